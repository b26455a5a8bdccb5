"""`python -m tiaochu_docking serve|work|run|migrate`."""

from tiaochu_docking.app import build
from tiaochu_kit.runner import main

main("docking", "tiaochu_docking", build)

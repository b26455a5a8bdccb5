"""`python -m tiaochu_mediation serve|work|run|migrate`."""

from tiaochu_kit.runner import main
from tiaochu_mediation.app import build

main("mediation", "tiaochu_mediation", build)

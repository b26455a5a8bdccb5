"""`python -m tiaochu_intake serve|work|run|migrate`."""

from tiaochu_intake.app import build
from tiaochu_kit.runner import main

if __name__ == "__main__":
    main("intake", "tiaochu_intake", build)

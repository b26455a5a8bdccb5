"""The program: `python -m tiaochu_reporting serve|work|run|migrate`."""

from tiaochu_kit.runner import main
from tiaochu_reporting.app import build

if __name__ == "__main__":
    main("reporting", "tiaochu_reporting", build)

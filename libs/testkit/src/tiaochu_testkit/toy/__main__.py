"""The toys as programs: `python -m tiaochu_testkit.toy alpha|beta serve|work|run`, for tests that stop, kill and freeze processes."""

import sys

from tiaochu_kit.runner import main
from tiaochu_testkit.toy import alpha, beta

BUILDS = {"alpha": alpha.build, "beta": beta.build}

if __name__ == "__main__":
    name = sys.argv.pop(1)
    main(name, "toy", BUILDS[name])

"""The program of routing."""

from tiaochu_kit.runner import main
from tiaochu_routing.app import PACKAGE, SERVICE, build

if __name__ == "__main__":
    main(SERVICE, PACKAGE, build)

"""How often an agency may call, told in the headers of every answer."""

import time
from collections.abc import Callable

from tiaochu_kit.throttle import Throttle


class RateLimits:
    """`rate` calls a second on the long run, `burst` at once, per agency and process."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle = Throttle(rate, burst, clock)

    def spend(self, agency_id: str) -> dict[str, str]:
        """Take one call; answers the headers that tell what is left. Raises RATE_LIMITED."""
        left = self._throttle.spend(agency_id)
        rate, burst = self._throttle.rate, self._throttle.burst
        return {
            "RateLimit-Policy": f'"default";q={burst};w={max(1, round(burst / rate))}',
            "RateLimit": f'"default";r={int(left)};t={max(0, round((burst - left) / rate))}',
        }

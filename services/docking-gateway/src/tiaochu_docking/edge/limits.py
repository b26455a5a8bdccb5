"""How often an agency may call: a bucket each, refilled steadily."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tiaochu_domainkit.errors import DomainError, Kind


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimits:
    """`rate` calls a second on the long run, `burst` at once, per agency and process."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, agency_id: str) -> dict[str, str]:
        """Take one call; answers the headers that tell what is left. Raises RATE_LIMITED with `retry_after`."""
        now = self._clock()
        bucket = self._buckets.setdefault(agency_id, _Bucket(self._burst, now))
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            wait = max(1, round((1 - bucket.tokens) / self._rate + 0.5))
            raise DomainError(
                Kind.RESOURCE_EXHAUSTED, "RATE_LIMITED", "too many calls", "调用过于频繁,请稍后再试", {"retry_after": str(wait)}
            )
        bucket.tokens -= 1
        return {
            "RateLimit-Policy": f'"default";q={self._burst};w={max(1, round(self._burst / self._rate))}',
            "RateLimit": f'"default";r={int(bucket.tokens)};t={max(0, round((self._burst - bucket.tokens) / self._rate))}',
        }

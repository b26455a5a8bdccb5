"""How often one caller may ask what anybody may ask: a bucket each, refilled steadily."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.errors import RETRY_AFTER

MOST_CALLERS = 10_000
"""Beyond so many the fullest buckets are forgotten: whoever has one loses nothing."""


@dataclass
class _Bucket:
    tokens: float
    at: float


class Throttle:
    """`rate` calls a second on the long run, `burst` at once, per caller and process."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, caller: str) -> float:
        """Take one call; answers how many are left. Raises RATE_LIMITED, with the time after which one more is there."""
        now = self._clock()
        if caller not in self._buckets and len(self._buckets) >= MOST_CALLERS:
            self._forget(now)
        bucket = self._buckets.setdefault(caller, _Bucket(self.burst, now))
        bucket.tokens, bucket.at = self._filled(bucket, now), now
        if bucket.tokens < 1:
            wait = (1 - bucket.tokens) / self.rate
            raise DomainError(
                Kind.RESOURCE_EXHAUSTED,
                "RATE_LIMITED",
                "too many calls",
                "调用过于频繁,请稍后再试",
                {RETRY_AFTER: str(round(wait * 1000) + 1)},
            )
        bucket.tokens -= 1
        return bucket.tokens

    def _filled(self, bucket: _Bucket, now: float) -> float:
        return min(self.burst, bucket.tokens + (now - bucket.at) * self.rate)

    def _forget(self, now: float) -> None:
        by_tokens = sorted(self._buckets, key=lambda caller: self._filled(self._buckets[caller], now))
        for caller in by_tokens[MOST_CALLERS // 2 :]:
            del self._buckets[caller]

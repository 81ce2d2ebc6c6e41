"""How many requests a key may make: a moving window, counted in this process."""

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class Rates:
    """Obeys `service.core.access.Access.wait`. `rate` is such as `3000/minute`."""

    def __init__(self, rate: str) -> None:
        self._allowed = parse(rate)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def __call__(self, key: str) -> float:
        """Take one request off; how many seconds too early it comes, 0 where it does not."""
        if self._limiter.hit(self._allowed, key):
            return 0.0
        free_at = self._limiter.get_window_stats(self._allowed, key).reset_time
        return max(math.ulp(1.0), free_at - time.time())

"""The provider's own throttle: a strict sliding window over arrivals."""

import threading
from bisect import bisect_right, insort


class Throttle:
    """Admit at most `limit` arrivals in any `window_seconds`; `limit` 0 admits all.

    A refused arrival takes no place. Arrivals are epoch seconds, read with the request line, so
    they may come here a little out of order.
    """

    def __init__(self, *, limit: int, window_seconds: float) -> None:
        self.limit = limit
        self.window_seconds = window_seconds
        self.refused = 0
        self.most_in_a_window = 0
        self._admitted: list[float] = []
        self._lock = threading.Lock()

    def admit(self, arrived: float) -> bool:
        """Whether this arrival is inside the limit; if so it takes a place."""
        with self._lock:
            crowd = self._fullest_with(arrived)
            if self.limit and crowd > self.limit:
                self.refused += 1
                return False
            insort(self._admitted, arrived)
            self.most_in_a_window = max(self.most_in_a_window, crowd)
            opened = bisect_right(self._admitted, arrived - self.window_seconds)
            if opened > 4096:
                # The oldest of those still needed is far younger than these.
                del self._admitted[: opened - 64]
            return True

    def _fullest_with(self, arrived: float) -> int:
        """Return how many arrivals the fullest window holds that holds this one, itself included.

        One that got here late has later ones beside it; those that are a whole window apart from
        the first of them never share a window with it.
        """
        before = self._admitted[bisect_right(self._admitted, arrived - self.window_seconds) :]
        later = bisect_right(before, arrived)
        if later == len(before):
            return len(before) + 1
        near = [*before[:later], arrived, *before[later:]]
        fullest, first = 0, 0
        for last in range(later, len(near)):
            while near[last] - near[first] >= self.window_seconds:
                first += 1
            if first > later:
                break
            fullest = max(fullest, last - first + 1)
        return fullest

    def free_in_seconds(self, arrived: float) -> float:
        """Return how long until the oldest place of a full window is free again."""
        with self._lock:
            opened = bisect_right(self._admitted, arrived - self.window_seconds)
            if opened == len(self._admitted):
                return 0.0
            return max(0.0, self._admitted[opened] + self.window_seconds - arrived)

    def change(self, *, limit: int | None = None, window_seconds: float | None = None) -> None:
        """Set another limit or window, at once."""
        with self._lock:
            self.limit = self.limit if limit is None else limit
            self.window_seconds = self.window_seconds if window_seconds is None else window_seconds

"""Decide from samples whether a cluster still works. Pure: times are seconds of any steady clock.

A ping travels the whole way: pusher, a worker, and the monitor that takes its row out of the queue.
A ping that stays is no proof of death as long as every worker is busy with something that may
last, or the queue before it is moving, or the database takes no writes.
"""

# A cold start imports all of Django in six processes.
START_SECONDS = 60.0


class Pulse:
    """One cluster's pulse, from its start on.

    `limit_seconds`: how long a ping may stay while a worker is free.
    `longest_task_seconds`: how long every worker may be busy before that is no excuse any more.
    """

    def __init__(self, *, limit_seconds: float, longest_task_seconds: float) -> None:
        self._limit = limit_seconds
        self._longest = longest_task_seconds + limit_seconds
        self._ever_answered = False
        self._asked_at: float | None = None
        self._free_since = 0.0

    @property
    def waits(self) -> bool:
        """Whether a ping is out."""
        return self._asked_at is not None

    def asked(self, *, at: float) -> None:
        """Note that a ping was queued."""
        self._asked_at = self._free_since = at

    def answered(self) -> None:
        """Note that the ping is through."""
        self._asked_at, self._ever_answered = None, True

    def sample(self, *, at: float, all_busy: bool, moved: bool, writable: bool) -> str:
        """Take one look while a ping is out; returns why the cluster counts as dead, or nothing."""
        if self._asked_at is None:
            return ""
        if moved or not writable:
            self._asked_at = self._free_since = at
        elif all_busy:
            self._free_since = at
        if at - self._free_since > self._patience():
            return f"a ping stayed {at - self._free_since:.0f} s though a worker was free"
        if at - self._asked_at > self._longest:
            return f"every worker was busy for {at - self._asked_at:.0f} s, longer than any task"
        return ""

    def _patience(self) -> float:
        return self._limit if self._ever_answered else max(self._limit, START_SECONDS)

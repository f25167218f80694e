"""When a login drops out of a provider's nightly refresh. Pure arithmetic on aware datetimes."""

from datetime import datetime, timedelta


def drops_out_at(
    *, last_refresh_at: datetime | None, last_asked_at: datetime, within: timedelta
) -> datetime:
    """Return when a login drops out unless it is refreshed and asked before.

    It needs both a successful refresh and a cached call within `within`, so the older of the two
    counts; one that was never refreshed has dropped out already. Source: design.md section 7,
    fact 3; reference/outcomes.md section 6.
    """
    if last_refresh_at is None:
        return last_asked_at
    return min(last_refresh_at, last_asked_at) + within

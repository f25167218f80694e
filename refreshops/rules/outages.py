"""When a bank looks down: many failures on its side are one story about the bank."""

# From here on a bank-side failure is one story about the bank, not many about customers.
OUTAGE_LOGINS = 3
OUTAGE_SHARE = 0.5


def looks_down(*, failing: int, total: int) -> bool:
    """Tell whether a bank looks down of whose `total` active logins `failing` failed on its side.

    Both are logins as they last ended. Source: screens.md, This morning.
    """
    return failing >= OUTAGE_LOGINS and failing >= OUTAGE_SHARE * total

"""What people read of a provider's own words: a table of names, given by each provider."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProviderWords:
    """A provider's own names for what every provider has, as its support and its papers use them.

    `refreshes` says in a sentence how it refreshes logins by itself. `asking` is the endpoint whose
    answer tells how a login stands, `refreshing` are those whose answer can be the outcome of its
    refresh, and `endpoints` all that we call, in the order of a list to choose from. `drops_out`
    tells whether its own refresh leaves out logins that failed, or were not asked for, for long.
    """

    title: str
    login_id: str
    code: str
    request_id: str
    last_refresh: str
    support: str
    refreshes: str
    drops_out: bool
    asking: str
    refreshing: frozenset[str]
    endpoints: tuple[str, ...]

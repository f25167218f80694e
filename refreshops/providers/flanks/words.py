"""Flanks's own names for what people read on screens and in exports."""

from refreshops.providers.flanks.meaning import CREATE_SESSION, DELETE, FORCE, LIST, STATUS, TOKEN
from refreshops.providers.words import ProviderWords

DATA = ("account", "portfolio", "investment", "card", "liability")

words = ProviderWords(
    title="Flanks",
    login_id="credentials_token",
    code="error_code",
    request_id="session_id",
    last_refresh="last_update_timestamp",
    support="the support of Flanks",
    refreshes="Flanks refreshes every login it holds about once a day, and has no switch for that.",
    asking=STATUS,
    refreshing=frozenset({STATUS, *DATA}),
    endpoints=(STATUS, *DATA, TOKEN, FORCE, LIST, DELETE, CREATE_SESSION),
)

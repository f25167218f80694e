"""Flanks's own names for what people read on screens and in exports."""

from refreshops.providers.flanks.accounts import PRODUCTS
from refreshops.providers.flanks.meaning import CREATE_SESSION, DELETE, FORCE, LIST, STATUS, TOKEN
from refreshops.providers.words import ProviderWords
from refreshops.rules.lifecycle import Purpose

words = ProviderWords(
    title="Flanks",
    login_id="credentials_token",
    code="error_code",
    request_id="trace_id",
    last_refresh="last_update_timestamp",
    support="the support of Flanks",
    refreshes="Flanks refreshes every login it holds about once a day, and has no switch for that.",
    drops_out=False,
    asking=STATUS,
    refreshing=frozenset({STATUS, *PRODUCTS}),
    endpoints=(STATUS, *PRODUCTS, TOKEN, FORCE, LIST, DELETE, CREATE_SESSION),
)

_NEW_BY_LINK = "New customers connect by Flanks's own link; the register learns of them by import."

# What a purpose is here, or why there is none.
ABOUT = {
    Purpose.LIVE_REFRESH: "Flanks refreshes by itself about once a day and cannot be told to.",
    Purpose.SWITCH_OFF: "Flanks has no switch for its daily refresh: RefreshOps stops asking. "
    "To stop paying for a login, order its credentials deleted.",
    Purpose.SWITCH_ON: "Flanks has no switch for its daily refresh: RefreshOps asks again.",
    Purpose.CHECK_SCHEDULE: "Flanks refreshes all that it holds; this asks whether it still holds "
    "the login, and how it stands.",
    Purpose.FORGET: "Flanks deletes the credentials and all data it holds with them, and stops "
    "charging for the login. To come back, the customer must connect anew.",
    Purpose.INVITE: _NEW_BY_LINK,
    Purpose.CONNECT: _NEW_BY_LINK,
}

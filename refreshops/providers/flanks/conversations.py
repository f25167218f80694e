"""The Flanks scripts, one for each purpose; each lives in the module that says what it does."""

from refreshops.providers.flanks.forgetting import Forget, HereOnly
from refreshops.providers.flanks.listing import Listing
from refreshops.providers.flanks.reconnecting import Reconnect
from refreshops.providers.flanks.refreshing import Check, Refresh

__all__ = ["Check", "Forget", "HereOnly", "Listing", "Reconnect", "Refresh"]

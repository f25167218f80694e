"""The Flinks scripts, one for each purpose; each lives in the module that says what it does."""

from refreshops.providers.flinks.forgetting import Forget
from refreshops.providers.flinks.nightly import NightlyStatus
from refreshops.providers.flinks.reconnecting import Connect, Invite, Reconnect
from refreshops.providers.flinks.refreshing import CachedRefresh, CheckSchedule, LiveRefresh
from refreshops.providers.flinks.switching import SwitchSchedule

__all__ = [
    "CachedRefresh",
    "CheckSchedule",
    "Connect",
    "Forget",
    "Invite",
    "LiveRefresh",
    "NightlyStatus",
    "Reconnect",
    "SwitchSchedule",
]

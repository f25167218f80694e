"""Flinks's own names for what people read on screens and in exports."""

from refreshops.providers.flinks import calls
from refreshops.providers.words import ProviderWords

words = ProviderWords(
    title="Flinks",
    login_id="LoginId",
    code="FlinksCode",
    request_id="RequestId",
    last_refresh="LastRefresh",
    support="the support of Flinks",
    refreshes="Flinks refreshes every login at night, unless its nightly refresh is switched off.",
    drops_out=True,
    asking=calls.AUTHORIZING,
    refreshing=frozenset(
        {
            calls.AUTHORIZING,
            "GetAccountsDetail",
            "GetAccountsDetailAsync",
            "GetAccountsSummary",
            "GetAccountsSummaryAsync",
        }
    ),
    endpoints=(
        calls.AUTHORIZING,
        "GetAccountsDetail",
        "GetAccountsDetailAsync",
        "GetAccountsSummary",
        "GetAccountsSummaryAsync",
        calls.MINTING,
        calls.SCHEDULING,
        "GetNightlyRefreshStatus",
        calls.DELETING,
    ),
)

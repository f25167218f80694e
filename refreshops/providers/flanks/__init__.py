"""The Flanks provider (Spain). Its words (credentials_token, error_code) stay in this folder."""

from refreshops.providers.flanks.answers import canonical_login_id
from refreshops.providers.flanks.client import Flanks

__all__ = ["Flanks", "canonical_login_id"]

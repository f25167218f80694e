"""The Flinks provider (Canada). Its words (LoginId, RequestId, FlinksCode) stay in this folder."""

from refreshops.providers.flinks.answers import canonical_login_id
from refreshops.providers.flinks.client import Flinks

__all__ = ["Flinks", "canonical_login_id"]

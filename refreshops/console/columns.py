"""Columns that several lists have."""

from django.utils.html import format_html

from refreshops.logins.cells import visible
from refreshops.logins.models import Login


def login_link(login_id: str, address: str) -> str:
    """Return the first block of a LoginId, the whole in the title, as a link to its rows."""
    if not login_id:
        return ""
    words = '<a href="{}" title="{}"><code>{}</code></a>'
    return format_html(words, address, login_id, login_id[:8])


def code_as_it_came(code: str) -> str:
    """Return a provider's code, what cannot be seen in it spelt out."""
    words = visible(code)
    return format_html('<code title="{}">{}</code>', words, words) if words else ""


def whose_login(login: Login) -> str:
    """Return the customer, and below the first block of the LoginId, the whole in the title."""
    return format_html(
        '<span class="whose">{}</span> <code title="LoginId {}">{}</code>',
        login.customer,
        login.login_id,
        login.login_id[:8],
    )

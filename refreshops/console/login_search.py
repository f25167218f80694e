"""What the search boxes of logins and customers find, in a number of rows that stays small.

Customers are looked up first, up to `MOST_CUSTOMERS`: a condition over two tables at once would
make either database read both of them whole.
"""

import re
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from refreshops import wiring
from refreshops.console.scoping import seen_by
from refreshops.console.search import spellings
from refreshops.logins.models import Customer, Login, Provider

GUID_LENGTH = 36
GUID = re.compile(r"[0-9a-f-]+")
MOST_CUSTOMERS = 2_000
# A shorter beginning of a LoginId fits thousands.
SHORTEST_BEGINNING = 4
TOO_MANY = (
    f"More than {MOST_CUSTOMERS} customers fit these words: only the logins of the first "
    f"{MOST_CUSTOMERS} are looked through. Type more."
)

_FREE = re.compile(r"[!-~]+")
_BEGINNING = re.compile(r"([0-9a-f]{1,8})[0-9a-f-]*")


def find(request: HttpRequest, logins: QuerySet[Login], term: str) -> QuerySet[Login]:
    """Narrow `logins` to a whole LoginId, exactly; else to the beginning of one, or a customer.

    A customer fits by the beginning of the reference or a part of the name. When more fit than are
    looked through, the person is told so.
    """
    term = term.strip()
    if not term:
        return logins
    written = spellings(term)
    if len(written[0]) == GUID_LENGTH and GUID.fullmatch(written[0]):
        return logins.filter(login_id__in=written)
    keys = customers_found(request.user, term)
    if len(keys) > MOST_CUSTOMERS and request.method == "GET":
        messages.warning(request, TOO_MANY)
    begins = _begins(written[0]) | _begins_freely(written[-1])
    return logins.filter(Q(customer__in=keys[:MOST_CUSTOMERS]) | begins)


def customers_found(user: Any, term: str) -> list[int]:
    """Return the keys of the customers that fit, in the order of their references.

    One more than `MOST_CUSTOMERS` says that there are others.
    """
    fitting = Q(reference__istartswith=term) | Q(name__icontains=term)
    found = seen_by(user, Customer.objects.filter(fitting)).order_by("reference")
    return list(found.values_list("pk", flat=True)[: MOST_CUSTOMERS + 1])


def _begins(login_id: str) -> Q:
    """Return the condition of ids with this beginning, as a range that an index answers.

    A range over the first block alone: in some languages' order of letters a hyphen counts nothing.
    """
    hexadecimal = _BEGINNING.fullmatch(login_id)
    if len(login_id) < SHORTEST_BEGINNING or hexadecimal is None:
        return Q(login_id=login_id)
    first = hexadecimal[1]
    inside = Q(login_id__gte=first, login_id__lt=f"{first}g")
    return inside if first == login_id else inside & Q(login_id__startswith=login_id)


def _begins_freely(login_id: str) -> Q:
    """Return the condition of ids with this beginning at providers where any word may be one.

    Only their own logins are looked through.
    """
    if len(login_id) < SHORTEST_BEGINNING or _FREE.fullmatch(login_id) is None:
        return Q(pk__in=[])
    theirs = Provider.objects.filter(name__in=wiring.spelled_freely()).values("pk")
    return Q(provider__in=theirs, login_id__startswith=login_id)

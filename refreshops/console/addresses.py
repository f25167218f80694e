"""Addresses of the console's lists with their filters set: a number links to exactly its rows."""

from urllib.parse import urlencode

from django.urls import reverse

NOT_ASKED = "not_asked"
# Stand in an address for a login without a code, and for one whose bank is not known.
NO_CODE, NO_BANK = "-", "?"


def logins_list(**filters: str) -> str:
    """Return the address of the list of active logins narrowed by outcome, institution or code."""
    return _listing("logins_login", {"status__exact": "active", **filters})


def all_logins(**filters: str) -> str:
    """Return the address of the list of logins, active or not, narrowed by its filters."""
    return _listing("logins_login", filters)


def cases_list(**filters: str) -> str:
    """Return the address of the list of reconnect cases; without filters what is to do."""
    return _listing("logins_reconnectcase", filters)


def calls_list(**filters: object) -> str:
    """Return the address of the list of calls."""
    return _listing("tracing_call", filters)


def deliveries_list(**filters: object) -> str:
    """Return the address of the list of webhook deliveries."""
    return _listing("tracing_delivery", filters)


def runs_list(**filters: str) -> str:
    """Return the address of the list of runs."""
    return _listing("routine_run", filters)


def page(model: str, pk: object) -> str:
    """Return the address of one row's page, `model` being "app_model"."""
    return reverse(f"admin:{model}_change", args=[pk])


def bundle_of(kind: str, pk: object) -> str:
    """Return the address of the support bundle of a row: a call, login, attempt or run."""
    return reverse("admin:bundle", args=[kind, pk])


def bundle_of_cell(**query: object) -> str:
    """Return the address of the support bundle of a matrix cell.

    `query` names institution, code and outcome, and `run` where the matrix is a run's.
    """
    chosen = {key: value for key, value in query.items() if value not in ("", None)}
    return f"{reverse('admin:bundle_cell')}?{urlencode(chosen)}"


def _listing(model: str, filters: dict[str, object] | dict[str, str]) -> str:
    query = urlencode({key: value for key, value in filters.items() if value != ""})
    address = reverse(f"admin:{model}_changelist")
    return f"{address}?{query}" if query else address

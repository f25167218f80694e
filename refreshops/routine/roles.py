"""Who may do what: the groups of people and their permissions (design.md section 6).

Only data and one function, so that the migration and the tests read the same table. Row-level
scoping hangs on `logins.view_every_customer`: whoever lacks it sees only their own customers.
"""

from typing import Any

OPERATIONS = "Operations"
ACCOUNT_MANAGERS = "Account managers"
AUDITORS = "Auditors"
DATA_VIEWERS = "Data viewers"
PRIVACY = "Privacy"

_READ_EVERYTHING = (
    "logins.view_provider",
    "logins.view_customer",
    "logins.view_every_customer",
    "logins.view_login",
    "logins.view_unknownlogin",
    "logins.view_reconnectcase",
    "logins.view_connectlink",
    "logins.view_letter",
    "logins.view_lettertext",
    "tracing.view_delivery",
    "routine.view_run",
    "routine.view_attempt",
    "routine.view_slot",
    "routine.view_beat",
    "tracing.view_call",
    "tracing.export_call",
    "tracing.view_event",
    "bankdata.view_snapshot",
)

ROLES: dict[str, tuple[str, ...]] = {
    OPERATIONS: (
        *_READ_EVERYTHING,
        "logins.change_provider",
        "logins.pause_provider",
        "logins.change_customer",
        "logins.import_customer",
        "logins.refresh_login",
        "logins.switch_login",
        "logins.approve_order",
        "logins.work_reconnectcase",
        "logins.send_connectlink",
        "logins.change_lettertext",
        "logins.add_note",
        "routine.control_run",
        "routine.set_daily_time",
        "tracing.bundle_call",
    ),
    ACCOUNT_MANAGERS: (
        "logins.view_customer",
        "logins.import_customer",
        "logins.view_login",
        "logins.view_reconnectcase",
        "logins.work_reconnectcase",
        "logins.send_connectlink",
        "logins.view_connectlink",
        "logins.switch_login",
        "logins.add_note",
        "routine.view_run",
        "routine.view_attempt",
        "tracing.view_call",
    ),
    AUDITORS: (*_READ_EVERYTHING, "auth.view_user", "auth.view_group"),
    # An add-on to one of the others: bank data is nobody's by default.
    DATA_VIEWERS: ("bankdata.view_bankaccount", "bankdata.view_snapshot"),
    # Another add-on: what is forgotten does not come back.
    PRIVACY: ("logins.forget_login",),
}


def ensure_groups(*, group_model: Any, permission_model: Any) -> list[str]:
    """Create the groups that are missing and add the permissions they lack; take none away.

    The models are arguments because a migration brings its own. Returns the permissions of the
    table that do not exist (none, when every app's permissions have been created).
    """
    known = {
        f"{row.content_type.app_label}.{row.codename}": row
        for row in permission_model.objects.select_related("content_type")
    }
    for name, permissions in ROLES.items():
        group, _ = group_model.objects.get_or_create(name=name)
        group.permissions.add(*(known[row] for row in permissions if row in known))
    return sorted({row for rows in ROLES.values() for row in rows} - known.keys())

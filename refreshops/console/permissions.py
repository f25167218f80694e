"""Who signs in and what they may, as Django's own backend says it, but asked in one query."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission


class OneQueryBackend(ModelBackend):
    """Django's backend asks for a person's own permissions and their groups' one after the other.

    Every page asks for them, and they are the same set: here they come in one query.
    """

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return what `user_obj` may; nothing about single rows, as Django's backend does."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = _names(user_obj)
        found: set[str] = user_obj._perm_cache
        return found


def _names(user: Any) -> set[str]:
    columns = ("content_type__app_label", "codename")
    rows = Permission.objects.order_by().values_list(*columns)
    if not user.is_superuser:
        rows = rows.filter(user=user).union(rows.filter(group__user=user))
    return {f"{app_label}.{codename}" for app_label, codename in rows}

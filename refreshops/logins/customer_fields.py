"""How single cells of a customer file become values: names, managers, moments, addresses."""

from datetime import date, datetime, tzinfo
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Exists, OuterRef, QuerySet
from import_export.fields import Field
from import_export.widgets import Widget

from refreshops.logins.customer_rows import activity_of, moment_of
from refreshops.logins.models import Customer, Language
from refreshops.logins.register_rows import shown, tidy

ONLY_YOURSELF = "account_manager may be nobody but yourself"


class Managers:
    """The people named in a file, looked up a chunk at a time."""

    def __init__(self, *, group: str) -> None:
        self._group = group
        self._pks: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self.disabled: set[int] = set()
        self.elsewhere: set[int] = set()

    def look_up(self, names: set[str]) -> None:
        """Learn whom these names belong to."""
        left = sorted(names - self._pks.keys() - {""})
        if left:
            self._learn(get_user_model().objects.filter(username__in=left))

    def name_of(self, pk: int | None) -> str:
        """Return a person's user name, looked up when nobody asked yet."""
        if pk is None:
            return ""
        if pk not in self._names:
            self._learn(get_user_model().objects.filter(pk=pk))
        return self._names.get(pk, "")

    def pk_of(self, name: str) -> int:
        """Return whom a name belongs to; raise ValueError with a sentence."""
        if name not in self._pks:
            raise ValueError(
                f"account_manager {shown(name)} is no user: such a person does not exist here"
            )
        return self._pks[name]

    def _learn(self, users: QuerySet[Any]) -> None:
        groups: Any = get_user_model()._meta.get_field("groups").remote_field
        belongs = groups.through.objects.filter(user=OuterRef("pk"), group__name=self._group)
        for user in users.annotate(is_manager=Exists(belongs)):
            self._pks[user.get_username()] = user.pk
            self._names[user.pk] = user.get_username()
            if not user.is_active:
                self.disabled.add(user.pk)
            if not user.is_manager:
                self.elsewhere.add(user.pk)


class ManagerWidget(Widget):
    """A user name; for an account manager (`own`) only their own, whoever else may exist."""

    managers: Managers
    own: Any = None

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> int | None:
        """Return the person's key, or None for an empty cell; raise ValueError."""
        if not value:
            return None
        if self.own is None:
            return self.managers.pk_of(value)
        if value != self.own.get_username():
            raise ValueError(ONLY_YOURSELF)
        return int(self.own.pk)


class NameField(Field):
    """The name; an empty cell, and one that differs in spaces alone, leaves it as it is."""

    def save(self, instance: Customer, row: Any, is_m2m: bool = False, **kwargs: Any) -> None:
        """Set the name."""
        said = row[self.column_name]
        if said and said != tidy(instance.name):
            instance.name = said


class ActivityField(Field):
    """The last activity; a bare date leaves a moment of that day as it is."""

    now: datetime
    zone: tzinfo

    def save(self, instance: Customer, row: Any, is_m2m: bool = False, **kwargs: Any) -> None:
        """Set the moment; raise ValueError with a sentence."""
        text = row[self.column_name]
        if not text:
            return
        said = activity_of(text, now=self.now, zone=self.zone)
        if not self._says_the_same(said, instance.last_activity_at):
            instance.last_activity_at = moment_of(said, zone=self.zone)

    def _says_the_same(self, said: date | datetime, known: datetime | None) -> bool:
        if known is None or isinstance(said, datetime):
            return said == known
        return known.astimezone(self.zone).date() == said


class EmailField(Field):
    """The e-mail address; an empty cell leaves it as it is."""

    def save(self, instance: Customer, row: Any, is_m2m: bool = False, **kwargs: Any) -> None:
        """Set the address; raise ValueError with a sentence."""
        said = row[self.column_name]
        if not said:
            return
        try:
            validate_email(said)
        except ValidationError as wrong:
            raise ValueError(f"email {shown(said)} is no e-mail address") from wrong
        instance.email = said


class LanguageField(Field):
    """The language of mails and pages; an empty cell leaves it as it is."""

    def save(self, instance: Customer, row: Any, is_m2m: bool = False, **kwargs: Any) -> None:
        """Set the language; raise ValueError with a sentence."""
        said = row[self.column_name].lower()
        if said and said not in Language.values:
            known = " or ".join(Language.values)
            raise ValueError(f"language {shown(said)} is none of ours: write {known}")
        instance.language = said or instance.language

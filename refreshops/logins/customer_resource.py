"""How rows of a customer file meet the register: django-import-export's way, with our rules.

One resource serves a whole file, chunk by chunk; nothing is written unless it is told to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from import_export.fields import Field
from import_export.instance_loaders import BaseInstanceLoader
from import_export.resources import ModelResource
from tablib import Dataset

from refreshops.logins.customer_fields import (
    ActivityField,
    EmailField,
    LanguageField,
    Managers,
    ManagerWidget,
    NameField,
)
from refreshops.logins.customer_rows import COLUMNS
from refreshops.logins.models import Customer
from refreshops.logins.register_rows import shown, unseen

NOT_YOURS = "is not one of your customers"
ERASED = "was erased on request: nothing is written about this customer any more"

WRITTEN = ("name", "account_manager", "last_activity_at", "email", "language")
Values = tuple[str, int | None, datetime | None, str, str]


@dataclass(frozen=True)
class Scope:
    """What a person's import may touch.

    `customers` are the rows they see. With `own` (an account manager) those are all there is: no
    new customer, and no other manager. `managers_group` names the group a manager belongs in.
    """

    customers: QuerySet[Customer]
    managers_group: str
    own: Any = None


@dataclass(frozen=True, slots=True)
class Change:
    """A customer that the file makes new or different; values in the order of `WRITTEN`."""

    line: int
    customer: Customer
    new: bool
    before: Values
    after: Values

    @property
    def columns(self) -> tuple[str, ...]:
        """Which columns change."""
        pairs = zip(WRITTEN, self.before, self.after, strict=True)
        return tuple(column for column, before, after in pairs if before != after)


class ByReference(BaseInstanceLoader):
    """Loads a chunk's customers at once. A reference as it was written goes before a tidied one."""

    def __init__(self, resource: Any, dataset: Dataset) -> None:
        super().__init__(resource, dataset)
        wanted = {*dataset["reference"], *dataset["as_written"]}
        rows = resource.get_queryset().filter(reference__in=wanted).order_by("pk")
        self._known = {customer.reference: customer for customer in rows}

    def get_instance(self, row: Any) -> Customer | None:
        """Return the customer of a row, if there is one to be seen."""
        return self._known.get(row["as_written"]) or self._known.get(row["reference"])


class CustomerResource(ModelResource):
    """Matches by reference and writes in sets; `hear` is told of every change.

    Its datasets have, beside the file's columns, `as_written` (the untidied reference) and `line`.
    """

    reference = Field(attribute="reference", column_name="reference")
    name = NameField(attribute="name", column_name="name")
    account_manager = Field(
        attribute="account_manager_id",
        column_name="account_manager",
        widget=ManagerWidget(),
        saves_null_values=False,
    )
    last_activity_at = ActivityField(attribute="last_activity_at", column_name="last_activity_at")
    email = EmailField(attribute="email", column_name="email")
    language = LanguageField(attribute="language", column_name="language")

    class Meta:
        model = Customer
        fields = COLUMNS
        import_id_fields = ("reference",)
        instance_loader_class = ByReference
        use_bulk = True
        # The caller's chunks are the batches.
        batch_size = None
        skip_unchanged = True
        skip_diff = True
        clean_model_instances = False

    def __init__(
        self,
        *,
        scope: Scope,
        now: datetime,
        zone: tzinfo,
        hear: Callable[[Change], None],
        writes: bool = False,
    ) -> None:
        super().__init__()
        self.managers = Managers(group=scope.managers_group)
        self._scope = scope
        self._hear = hear
        self._writes = writes
        self._line_of: dict[str, int] = {}
        self._before: Values = ("", None, None, "", "")
        self.fields["account_manager"].widget.managers = self.managers
        self.fields["account_manager"].widget.own = scope.own
        self.fields["last_activity_at"].now = now
        self.fields["last_activity_at"].zone = zone

    def get_queryset(self) -> QuerySet[Customer]:
        """Return the customers this import may find, held fast while it writes."""
        rows = self._scope.customers
        return rows.select_for_update() if self._writes else rows

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        """Look up the managers of a chunk at once."""
        if self._scope.own is None and "account_manager" in dataset.headers:
            self.managers.look_up(set(dataset["account_manager"]))

    def after_init_instance(self, instance: Customer, new: bool, row: Any, **kwargs: Any) -> None:
        """Refuse a customer that is not theirs, was erased or stands in the file already."""
        self._before = _values(instance)
        # Whether it exists or not: two answers would tell that somebody else's row is there.
        if new and self._scope.own is not None:
            raise ValidationError(f"reference {shown(row['reference'])} {NOT_YOURS}")
        reference = instance.reference or row["reference"]
        if instance.erasure_asked_at:
            raise ValidationError(f"reference {shown(reference)} {ERASED}")
        above = self._line_of.setdefault(reference, row["line"])
        if above != row["line"]:
            raise ValidationError(f"reference {shown(reference)} stands on line {above} already")
        if new:
            instance.reference = reference

    def get_import_fields(self) -> list[Field]:
        """Return what a row sets; the reference is settled by then."""
        return [self.fields[column] for column in WRITTEN]

    def skip_row(
        self, instance: Customer, original: Any, row: Any, import_validation_errors: Any = None
    ) -> bool:
        """Tell whether the register holds already what the file says."""
        known = instance.pk is not None
        return known and not import_validation_errors and self._before == _values(instance)

    def validate_instance(
        self, instance: Customer, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Refuse what a change may not bring in; what stood there before may stay."""
        wrong = [text for error in (import_validation_errors or {}).values() for text in error]
        wrong += unseen(self._new_texts(instance), text_is_enough=())
        manager = instance.account_manager_id
        if manager != self._before[1] and manager in self.managers.disabled:
            person = shown(self.managers.name_of(manager))
            wrong.append(f"account_manager {person} may not sign in any more")
        if wrong:
            raise ValidationError(wrong)

    def _new_texts(self, instance: Customer) -> dict[str, str]:
        texts = {} if instance.pk else {"reference": instance.reference}
        return texts if instance.name == self._before[0] else {**texts, "name": instance.name}

    def after_save_instance(self, instance: Customer, row: Any, **kwargs: Any) -> None:
        """Tell of the change."""
        new = instance.pk is None
        self._hear(Change(row["line"], instance, new, self._before, _values(instance)))

    def bulk_create(self, *args: Any, **kwargs: Any) -> None:
        """Write a chunk's new customers."""
        self._write(self.create_instances)

    def bulk_update(self, *args: Any, **kwargs: Any) -> None:
        """Write a chunk's changed customers."""
        self._write(self.update_instances)

    def _write(self, customers: list[Customer]) -> None:
        if customers and self._writes:
            # One statement for new and known ones alike: each row says what its columns become.
            Customer.objects.bulk_create(
                [_row(customer) for customer in customers],
                update_conflicts=True,
                unique_fields=["reference"],
                update_fields=WRITTEN,
            )
        customers.clear()

    def after_import(self, dataset: Dataset, result: Any, **kwargs: Any) -> None:
        """Leave the sequence alone: no file brings its own keys."""


def _values(customer: Customer) -> Values:
    manager, last = customer.account_manager_id, customer.last_activity_at
    return customer.name, manager, last, customer.email, customer.language


def _row(customer: Customer) -> Customer:
    """Return the same customer without its key, which the database knows by the reference."""
    return Customer(
        reference=customer.reference,
        name=customer.name,
        account_manager_id=customer.account_manager_id,
        last_activity_at=customer.last_activity_at,
        email=customer.email,
        language=customer.language,
    )

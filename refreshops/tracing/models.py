"""The evidence: one row per HTTP exchange with a provider, and one per named action of ours."""

from typing import Any

from django.db import models
from django.db.models import Q

from refreshops.rules.lifecycle import CallState
from refreshops.tracing.delivery_models import Delivery, DeliveryState

__all__ = ["Call", "Delivery", "DeliveryState", "Event", "EventIsKept", "EventQuerySet"]


class Call(models.Model):
    """The evidence of one exchange. No foreign keys, so that it outlives what it describes.

    Never edited and never deleted but by retention; only where a login is forgotten its words go
    and ids and codes stay (`erasure`). Source: seed 003, "Tracing and Logs".
    """

    sent_at = models.DateTimeField("timestamp")
    provider = models.CharField(max_length=20)
    endpoint = models.CharField(max_length=60)
    method = models.CharField(max_length=8)
    url = models.CharField("URL", max_length=500)
    body = models.JSONField("body (parameters used)", default=dict, blank=True)
    state = models.CharField(
        max_length=10,
        choices=[(row.value, row.value.replace("_", " ")) for row in CallState],
        default=CallState.SENT.value,
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    http_status_code = models.PositiveIntegerField("HttpStatusCode", null=True, blank=True)
    provider_code = models.CharField("FlinksCode", max_length=80, blank=True)
    message = models.CharField(max_length=500, blank=True)
    request_id = models.CharField("RequestId", max_length=64, blank=True)
    login_id = models.CharField("LoginId", max_length=64, blank=True)
    institution = models.CharField(max_length=100, blank=True)
    run_id = models.BigIntegerField("run", null=True, blank=True)
    attempt_id = models.BigIntegerField("attempt", null=True, blank=True)
    error = models.CharField(max_length=2100, blank=True)
    answer = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state=CallState.ANSWERED.value) | Q(answered_at__isnull=False),
                name="an_answered_call_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state=CallState.NO_ANSWER.value) | ~Q(error=""),
                name="a_call_without_answer_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["-sent_at", "-id"], name="call_newest"),
            models.Index(fields=["http_status_code", "-sent_at", "-id"], name="call_http_status"),
            models.Index(fields=["provider_code", "-sent_at", "-id"], name="call_code"),
            models.Index(fields=["login_id", "-sent_at", "-id"], name="call_login"),
            models.Index(fields=["request_id"], name="call_request"),
            models.Index(fields=["run_id", "-sent_at", "-id"], name="call_run"),
            models.Index(fields=["attempt_id"], name="call_attempt"),
            models.Index(fields=["endpoint", "-sent_at", "-id"], name="call_endpoint"),
            models.Index(fields=["state", "-sent_at", "-id"], name="call_state"),
            models.Index(fields=["provider", "-sent_at", "-id"], name="call_provider"),
        ]
        permissions = [
            ("export_call", "Can export calls"),
            ("bundle_call", "Can make support bundles"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint} #{self.pk}"


class EventIsKept(Exception):
    """Somebody tried to change or delete an event; the story of what was done only grows."""


class EventQuerySet(models.QuerySet["Event"]):
    """Events can be read and added; whatever would change or delete one raises `EventIsKept`."""

    def update(self, **fields: Any) -> int:
        """Refuse."""
        raise EventIsKept("An event is never changed.")

    def bulk_update(self, *args: Any, **options: Any) -> int:
        """Refuse."""
        raise EventIsKept("An event is never changed.")

    def bulk_create(
        self,
        objs: Any,
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        *args: Any,
        **options: Any,
    ) -> list[Any]:
        """Add many; refuse to write over those that are there."""
        if update_conflicts:
            raise EventIsKept("An event is never changed.")
        made: list[Any] = super().bulk_create(objs, batch_size, ignore_conflicts)
        return made

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise EventIsKept("An event is never deleted.")

    def _raw_delete(self, using: str | None) -> int:
        """Refuse, also to what deletes rows in passing."""
        raise EventIsKept("An event is never deleted.")


class Event(models.Model):
    """One named action: who did what, why, to how many, by which run. Append-only.

    No foreign keys, so that it outlives what it speaks of; no names of customers and no bank data,
    only ids. `actor` is the user name, or who acted where nobody was signed in. `subject` is
    "model" of the row it is about ("login", "customer", "provider"), if it is about one.
    Source: issue 4 F.
    """

    at = models.DateTimeField("timestamp")
    action = models.CharField(max_length=40)
    actor = models.CharField("who", max_length=150)
    actor_id = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField("why", max_length=500, blank=True)
    number = models.PositiveIntegerField("how many", null=True, blank=True)
    run_id = models.BigIntegerField("run", null=True, blank=True)
    provider = models.CharField(max_length=20, blank=True)
    subject = models.CharField(max_length=30, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.CheckConstraint(condition=~Q(actor=""), name="an_event_says_who"),
            models.CheckConstraint(
                condition=Q(subject="", subject_id__isnull=True)
                | ~Q(subject="") & Q(subject_id__isnull=False),
                name="an_event_names_its_subject_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="event_newest"),
            models.Index(fields=["action", "-at", "-id"], name="event_action"),
            models.Index(fields=["actor_id", "-at", "-id"], name="event_actor"),
            models.Index(fields=["subject", "subject_id", "-at", "-id"], name="event_subject"),
            models.Index(fields=["run_id"], name="event_run"),
        ]

    def __str__(self) -> str:
        return f"{self.action} #{self.pk}"

    def save(self, *args: Any, **options: Any) -> None:
        """Insert; raise `EventIsKept` for a row that is there already."""
        if not self._state.adding:
            raise EventIsKept("An event is never changed.")
        super().save(*args, **options)

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, *rest: Any) -> Any:
        """Refuse what Django tries before it inserts a row that has its number already."""
        if base_qs.filter(pk=pk_val).exists():
            raise EventIsKept("An event is never changed.")
        return False

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Refuse: raise `EventIsKept`."""
        raise EventIsKept("An event is never deleted.")

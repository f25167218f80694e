"""Runs, attempts, slots and beats: the row is the truth, the queue is only a courier."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from refreshops.logins.models import Login, Provider
from refreshops.routine.cell_models import RunCells as RunCells
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import (
    AttemptState,
    Origin,
    Purpose,
    RunState,
    check_attempt_step,
    check_run_step,
)
from refreshops.rules.outcomes import Outcome
from refreshops.tracing import statements

OPEN_RUN = (RunState.OPEN.value, RunState.PAUSED.value)
OPEN_ATTEMPT = (AttemptState.DUE.value, AttemptState.CALLING.value)

# A customer who clicked a link waits before a screen; their share of the slots is bounded. A
# person's order goes before the daily run.
RANK_CUSTOMER = 0
RANK_PERSON = 5
RANK_DAILY = 10
# Attempts of a waiting run stand behind everything until it begins.
RANK_WAITING = 50

# Why an attempt was called off that nobody would claim any more.
THE_RUN_HAD_ENDED = "The run had ended."


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(row.value, row.value.replace("_", " ")) for row in enum]  # type: ignore[attr-defined]


class LostRace(Exception):
    """Another worker or person moved this row first. Ordinary; the caller goes on."""


class Run(models.Model):
    """One order to do one thing to many logins: who, why, what, over which logins."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="runs")
    purpose = models.CharField(max_length=20, choices=_choices(Purpose))
    origin = models.CharField(max_length=10, choices=_choices(Origin))
    local_date = models.DateField()
    # Receipts name people for years: who left is switched off, not deleted.
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=_choices(RunState), default=RunState.OPEN.value)
    state_reason = models.CharField(max_length=500, blank=True)
    opened_at = models.DateTimeField()
    starts_at = models.DateTimeField(
        null=True, blank=True, help_text="When the order begins; empty means at once."
    )
    needs_approval = models.BooleanField(default=False, db_default=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    retry_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    planned = models.PositiveIntegerField(default=0)
    brought_forward = models.PositiveIntegerField(default=0)
    forecast_seconds = models.FloatField(default=0)
    totals = models.JSONField(default=dict, blank=True)
    report = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "local_date"],
                condition=Q(origin=Origin.DAILY.value),
                name="one_daily_run_a_day",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[RunState.CLOSED.value, RunState.CANCELLED.value],
                    closed_at__isnull=False,
                )
                | Q(state__in=[RunState.WAITING.value, *OPEN_RUN], closed_at__isnull=True),
                name="run_closed_at_goes_with_its_state",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(opened_by__isnull=True)
                | ~Q(approved_by=models.F("opened_by")),
                name="nobody_approves_their_own_order",
            ),
            models.CheckConstraint(
                condition=Q(needs_approval=False)
                | Q(approved_at__isnull=False)
                | Q(state__in=[RunState.WAITING.value, RunState.CANCELLED.value]),
                name="no_large_order_without_approval",
            ),
        ]
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="run_newest"),
            models.Index(fields=["state"], name="run_state"),
        ]
        permissions = [
            ("control_run", "Can pause, resume, cancel and retry a run"),
            ("set_daily_time", "Can set the time of the daily run"),
        ]

    def __str__(self) -> str:
        return f"Run {self.pk}: {self.purpose} {self.local_date}"

    def step_to(self, wanted: RunState, *, at: datetime, why: str = "") -> None:
        """Move to `wanted`; raise `LostRace` if somebody moved it first, or `ForbiddenStep`."""
        check_run_step(RunState(self.state), wanted)
        closed_at = at if wanted in (RunState.CLOSED, RunState.CANCELLED) else None
        moved = Run.objects.filter(pk=self.pk, state=self.state).update(
            state=wanted.value, state_reason=why[:500], closed_at=closed_at
        )
        if not moved:
            raise LostRace(f"run {self.pk}")
        self.state, self.state_reason, self.closed_at = wanted.value, why[:500], closed_at


class Slot(models.Model):
    """One place in the provider's sliding window, shared by every process and purpose.

    Free when `free_at` has passed. It is set far enough ahead when a call starts that a killed
    worker's slot comes back by itself, and to answer + window when the answer is there.
    """

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="slots")
    free_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["provider", "free_at"], name="slot_free")]

    def __str__(self) -> str:
        return f"Slot {self.pk}"


class AccessToken(models.Model):
    """The token that all our calls to a provider share; `sealed` holds it encrypted.

    `serial` counts the tokens. `fetching_attempt_id` is the attempt on whose behalf another is
    being fetched, `faults` how often in a row that failed, `fetch_after` when to try again.
    """

    provider = models.OneToOneField(Provider, on_delete=models.CASCADE, related_name="+")
    sealed = models.BinaryField(null=True)
    serial = models.PositiveIntegerField(default=0)
    good_until = models.DateTimeField(null=True)
    fetching_attempt_id = models.BigIntegerField(null=True)
    faults = models.PositiveSmallIntegerField(default=0)
    fetch_after = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Access token {self.serial} of {self.provider}"


class Attempt(models.Model):
    """One login within one run; it ends in exactly one outcome.

    `login` is empty for the one call about the provider as a whole that may begin a daily run.
    `paced` says that the next call needs a slot; `starts` counts claims since the last recorded
    answer: three without one end the attempt.
    """

    # Neither has an index of its own: those below begin with them.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    login = models.ForeignKey(
        Login,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="attempts",
        db_index=False,
    )
    # A LoginId that somebody brought back from the provider's page, and nobody registered here.
    claimed_login_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    purpose = models.CharField(max_length=20, choices=_choices(Purpose))
    state = models.CharField(
        max_length=10, choices=_choices(AttemptState), default=AttemptState.DUE.value
    )
    rank = models.PositiveSmallIntegerField(default=RANK_DAILY)
    paced = models.BooleanField(default=True)
    not_before = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    starts = models.PositiveSmallIntegerField(default=0)
    # Slots come and go with the limit; an attempt must not hold one up, nor be held up by it.
    slot = models.ForeignKey(
        Slot, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False
    )
    conversation = models.JSONField(default=dict, blank=True)
    waits_for = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=30, blank=True, choices=_choices(Outcome))
    outcome_reason = models.CharField(max_length=30, blank=True)
    data_state = models.CharField(max_length=20, blank=True, choices=_choices(DataState))
    provider_code = models.CharField("FlinksCode", max_length=80, blank=True)
    message = models.CharField(max_length=500, blank=True)
    verified = models.BooleanField(default=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "login"], name="a_login_once_a_run"),
            models.UniqueConstraint(
                fields=["login", "purpose"],
                condition=Q(state__in=list(OPEN_ATTEMPT)),
                name="one_open_attempt_a_purpose",
            ),
            models.UniqueConstraint(
                fields=["login"],
                condition=Q(state=AttemptState.CALLING.value),
                name="one_voice_a_login",
            ),
            models.CheckConstraint(
                condition=Q(state=AttemptState.DONE.value) & ~Q(outcome="")
                | ~Q(state=AttemptState.DONE.value) & Q(outcome=""),
                name="done_goes_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(state=AttemptState.CALLING.value, lease_until__isnull=False)
                | ~Q(state=AttemptState.CALLING.value),
                name="calling_has_a_lease",
            ),
        ]
        indexes = [
            # Not partial: SQLite cannot prove a bound parameter equal to the index's constant.
            models.Index(fields=["state", "paced", "rank", "not_before", "id"], name="attempt_due"),
            models.Index(fields=["state", "lease_until"], name="attempt_leased"),
            # A run's attempts in their order: all, and narrowed. The second counts them, too: with
            # the login no row is read to leave out the call about the provider as a whole.
            models.Index(fields=["run", "id"], name="attempt_run"),
            models.Index(
                fields=["run", "state", "outcome", "id", "login"], name="attempt_run_outcome"
            ),
            # What a run waits for.
            models.Index(
                fields=["run", "state", "paced", "rank", "not_before"], name="attempt_run_due"
            ),
            models.Index(fields=["login", "-id"], name="attempt_of_login"),
            # The list of attempts narrowed, in its order.
            models.Index(fields=["state", "-id"], name="attempt_state"),
            models.Index(fields=["outcome", "-id"], name="attempt_outcome"),
            models.Index(fields=["purpose", "-id"], name="attempt_purpose"),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.pk}"

    def step_to(self, wanted: AttemptState, **fields: object) -> None:
        """Move to `wanted` and set `fields`; raise `LostRace` when the lease is not ours."""
        check_attempt_step(AttemptState(self.state), wanted)
        ours = {"id": self.pk, "state": self.state, "lease_token": self.lease_token}
        moved = {"state": wanted.value, **fields}
        if not statements.update_row(Attempt, where=ours, values=moved):
            raise LostRace(f"attempt {self.pk}")
        self.state = wanted.value
        for name, value in fields.items():
            setattr(self, name, value)

    def call_off(self, *, why: str, now: datetime) -> None:
        """End an attempt before its time; raise `LostRace` when it is not ours."""
        self.step_to(
            AttemptState.CANCELLED,
            finished_at=now,
            message=why[:500],
            lease_token="",
            lease_until=None,
            slot=None,
            waits_for="",
        )

    def step_to_paced(self) -> None:
        """Queue for a slot: the next call turned out to need one."""
        if not self.paced:
            Attempt.objects.filter(pk=self.pk, state=AttemptState.DUE.value).update(paced=True)


class Beat(models.Model):
    """A sign of life, or a seat taken; a seat is free when its lease has passed."""

    name = models.CharField(max_length=80, unique=True)
    seen_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    token = models.CharField(max_length=32, blank=True)

    def __str__(self) -> str:
        return self.name

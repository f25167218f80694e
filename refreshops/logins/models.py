"""Providers, customers and logins: whom we ask about, and what we last learned."""

from datetime import timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from refreshops.logins.beside_models import Note, UnknownLogin, Upload
from refreshops.logins.case_models import ClosedAs, Contact, How, ReconnectCase
from refreshops.logins.link_models import (
    ConnectLink,
    Language,
    Letter,
    LetterKind,
    LetterState,
    LetterText,
    LinkEnd,
)
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome

__all__ = [
    "ClosedAs",
    "ConnectLink",
    "Contact",
    "Customer",
    "How",
    "Language",
    "Letter",
    "LetterKind",
    "LetterState",
    "LetterText",
    "LinkEnd",
    "Login",
    "LoginQuerySet",
    "LoginStatus",
    "Nightly",
    "Note",
    "PauseKind",
    "Provider",
    "ReconnectCase",
    "UnknownLogin",
    "Upload",
]

LIST_ORDER = ["institution", "outcome", "id"]
FILTERS = ["status", "nightly", "data_state", "provider_code"]
# What the leaks and the clock of one manager's logins ask besides.
BESIDES = ["gone_at", "drops_out_at", "nightly_verified_at", "status_changed_at", "provider"]
CELL = ["institution", "provider_code", "outcome"]
THERE = ["status", "nightly", "gone_at"]


class PauseKind(models.TextChoices):
    """Why nobody calls a provider for now."""

    PERSON = "person", "paused by a person"
    KEYS = "keys", "our keys were refused"
    NETWORK = "network", "no answer"
    THROTTLED = "throttled", "too many requests"
    SUSPECT = "suspect", "every login refused"
    TOKEN = "token", "no access token"


class Provider(models.Model):
    """An aggregator we talk to, with the limits that are ours to set."""

    name = models.CharField(max_length=20, unique=True)
    logins_per_minute = models.PositiveIntegerField(
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="The provider asks for 10 to 30 logins a minute. "
        "A change takes effect within one minute.",
    )
    fresh_within = models.DurationField(
        default=timedelta(hours=36), help_text="Data refreshed within this time counts as fresh."
    )
    usable_within = models.DurationField(
        default=timedelta(days=7), help_text="Older data than this is not to be used any more."
    )
    cost_per_login_month = models.DecimalField(
        max_digits=8, decimal_places=2, default=0, help_text="What one login costs a month."
    )
    cost_per_live_call = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        default=0,
        db_default=0,
        help_text="What one live refresh costs; billed only where it succeeds.",
    )
    currency = models.CharField(max_length=3, default="CAD")
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    paused_reason = models.CharField(max_length=500, blank=True)
    paused_kind = models.CharField(max_length=20, blank=True, choices=PauseKind)
    resume_at = models.DateTimeField(
        null=True, blank=True, help_text="When the next probe goes out by itself."
    )
    silences = models.PositiveIntegerField(default=0, help_text="Calls in a row without an answer.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True, paused_reason="")
                | Q(paused_at__isnull=False) & ~Q(paused_reason=""),
                name="provider_pause_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(logins_per_minute__gte=1), name="provider_limit_is_positive"
            ),
        ]
        permissions = [("pause_provider", "Can pause and resume a provider")]

    def __str__(self) -> str:
        return self.name.capitalize()


class Customer(models.Model):
    """The client who owns logins."""

    reference = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200, blank=True)
    # The database has defaults of its own where older code writes for a while beside newer.
    email = models.EmailField("e-mail", blank=True, default="", db_default="")
    language = models.CharField(
        max_length=2, choices=Language, default=Language.ENGLISH, db_default=Language.ENGLISH.value
    )
    account_manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="customers",
    )
    last_activity_at = models.DateTimeField(null=True, blank=True)
    erasure_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody asked that we forget this customer."
    )
    erasure_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    erasure_reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="When nothing about the person was left here."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(erasure_asked_at__isnull=False),
                name="erased_goes_with_an_order",
            ),
        ]
        indexes = [models.Index(fields=["last_activity_at"], name="customer_activity")]
        permissions = [
            ("view_every_customer", "Sees the rows of every account manager"),
            ("import_customer", "Can import customers, managers and activity dates"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.name}".strip()


class LoginStatus(models.TextChoices):
    """Whether we want this login refreshed: our side, not the provider's."""

    ACTIVE = "active", "active"
    INACTIVE = "inactive", "inactive"


class Nightly(models.TextChoices):
    """What the provider last said about its nightly refresh of a login."""

    ON = "on", "on"
    OFF = "off", "off"
    UNKNOWN = "unknown", "unknown"


class LoginQuerySet(models.QuerySet["Login"]):
    """The operator's words for sets of logins."""

    def active(self) -> "LoginQuerySet":
        """Logins whose nightly refresh is wanted."""
        return self.filter(status=LoginStatus.ACTIVE)


class Login(models.Model):
    """One customer's connection at one institution."""

    # Neither has an index of its own: those below begin with them.
    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, related_name="logins", db_index=False
    )
    login_id = models.CharField("LoginId", max_length=64)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="logins", db_index=False
    )
    institution = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=10, choices=LoginStatus, default=LoginStatus.ACTIVE)
    status_changed_at = models.DateTimeField(null=True, blank=True)
    status_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    status_reason = models.CharField(max_length=500, blank=True)
    nightly = models.CharField(max_length=10, choices=Nightly, default=Nightly.UNKNOWN)
    nightly_seen_at = models.DateTimeField(null=True, blank=True)
    nightly_verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When a separate read-back confirmed our last order."
    )
    last_refresh_at = models.DateTimeField("LastRefresh", null=True, blank=True)
    data_as_of = models.DateTimeField(
        "data as of", null=True, blank=True, help_text="How old the bank data is that we hold."
    )
    last_asked_at = models.DateTimeField("last cached call", null=True, blank=True)
    outcome = models.CharField(
        max_length=30, blank=True, choices=[(row.value, row.value) for row in Outcome]
    )
    outcome_reason = models.CharField(max_length=30, blank=True)
    data_state = models.CharField(
        max_length=20,
        choices=[(row.value, row.value.replace("_", " ")) for row in DataState],
        default=DataState.NONE.value,
    )
    provider_code = models.CharField("FlinksCode", max_length=80, blank=True)
    consecutive_failures = models.PositiveIntegerField(default=0)
    same_code_runs = models.PositiveIntegerField(default=0)
    fresh_at = models.DateTimeField(
        null=True, blank=True, help_text="When this login last ended a run as fresh."
    )
    gone_at = models.DateTimeField(
        null=True, blank=True, help_text="When the provider said that it does not know this login."
    )
    drops_out_at = models.DateTimeField(
        "drops out",
        null=True,
        blank=True,
        help_text="When the provider stops refreshing it, unless it is refreshed and asked before.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LoginQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "login_id"], name="login_once_a_provider"),
            models.CheckConstraint(condition=Q(login_id__gt=""), name="login_id_is_never_empty"),
        ]
        indexes = [
            # The list in its order: all, one manager's, and what is so rare that a walk along the
            # order would read far. By outcome also when a bank that is down was last fresh.
            models.Index(fields=LIST_ORDER, name="login_list"),
            models.Index(fields=["provider", *LIST_ORDER], name="login_list_provider"),
            models.Index(fields=["customer", *LIST_ORDER, *FILTERS, *BESIDES], name="login_owned"),
            models.Index(
                fields=["outcome", "institution", "id", "status", "fresh_at"],
                name="login_list_outcome",
            ),
            models.Index(fields=["data_state", *LIST_ORDER], name="login_list_data"),
            models.Index(fields=["provider_code", *LIST_ORDER], name="login_list_code"),
            models.Index(fields=["status", *CELL, "provider"], name="login_matrix"),
            models.Index(fields=["login_id"], name="login_login_id"),
            # These hold all that the leaks and the clock ask for: no row is read to count them.
            models.Index(fields=[*THERE, "drops_out_at", "provider"], name="login_leak"),
            models.Index(
                fields=[*THERE, "nightly_verified_at", "status_changed_at", "provider"],
                name="login_unverified",
            ),
            models.Index(
                fields=["status", "customer", "institution", "provider", "created_at", "gone_at"],
                name="login_replaced",
            ),
        ]
        permissions = [
            ("refresh_login", "Can ask for a refresh now"),
            ("switch_login", "Can switch the nightly refresh off and on"),
            ("approve_order", "Can approve large orders of somebody else"),
            ("forget_login", "Can have logins and customers forgotten for good"),
        ]

    def __str__(self) -> str:
        return f"{self.institution or 'Login'} {self.login_id[:8]}"

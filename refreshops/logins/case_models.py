"""Reconnect cases: what a customer must do so that a login can be refreshed again."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from refreshops.rules.outcomes import Reason

# Why a customer must act: the finer causes beside the outcome `user_action`.
REASONS = (Reason.MFA, Reason.CREDENTIALS, Reason.CONSENT, Reason.BANK_SITE)


class ClosedAs(models.TextChoices):
    """How a case ended: nothing else ends one."""

    FRESH = "fresh", "fresh again"
    REPLACED = "replaced", "connected anew"


class ReconnectCase(models.Model):
    """A login whose customer must act, from the answer that said so to the next fresh one.

    At most one open case a login; a relapse opens the last one again. `attempt_id` is the attempt
    that opened it last. Source: issue 5 A, screens.md.
    """

    login = models.ForeignKey("logins.Login", on_delete=models.CASCADE, related_name="cases")
    reason = models.CharField(
        max_length=30,
        blank=True,
        choices=[(row.value, row.value.replace("_", " ")) for row in REASONS],
    )
    provider_code = models.CharField("FlinksCode", max_length=80, blank=True)
    opened_at = models.DateTimeField()
    attempt_id = models.BigIntegerField("attempt", null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_as = models.CharField(max_length=20, blank=True, choices=ClosedAs)
    reopened = models.PositiveSmallIntegerField("relapses", default=0)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    last_contact_at = models.DateTimeField("last contact", null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = "reconnect case"
        constraints = [
            models.UniqueConstraint(
                fields=["login"], condition=Q(closed_at__isnull=True), name="one_open_case_a_login"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_as="")
                | Q(closed_at__isnull=False) & ~Q(closed_as=""),
                name="a_closed_case_says_how",
            ),
        ]
        indexes = [
            models.Index(fields=["closed_at", "opened_at", "id"], name="case_open"),
            models.Index(fields=["opened_at", "id"], name="case_age"),
        ]
        permissions = [
            ("work_reconnectcase", "Can write to customers, log contacts and snooze cases"),
        ]

    def __str__(self) -> str:
        return f"Case {self.pk}"


class How(models.TextChoices):
    """How somebody was in touch with a customer."""

    MAIL = "mail", "mail"
    PHONE = "phone", "phone"
    LINK = "link", "link opened"
    OTHER = "other", "other"


class Contact(models.Model):
    """One line of a case's contact log. Never edited. Nobody signed in: the customer, or we."""

    case = models.ForeignKey(ReconnectCase, on_delete=models.CASCADE, related_name="contacts")
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    how = models.CharField(max_length=10, choices=How)
    text = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["case", "-at", "-id"], name="contact_of_case")]

    def __str__(self) -> str:
        return f"Contact {self.pk}"

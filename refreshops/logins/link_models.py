"""Connect links, and the mails that carry them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class Language(models.TextChoices):
    """The languages of the provider's page, of ours, and of mails."""

    ENGLISH = "en", "English"
    FRENCH = "fr", "French"


class LinkEnd(models.TextChoices):
    """What came of a connect link."""

    CURED = "cured", "cured at the click"
    RECONNECTED = "reconnected", "reconnected"
    CONNECTED = "connected", "connected"


class ConnectLink(models.Model):
    """A signed, expiring, revocable link by which a customer connects or reconnects a bank.

    The link's address holds a signature over `key`, which is kept nowhere. `login` is empty for a
    first connection. `attempt_id` is the attempt that works for it now; `sealed_handover` what that
    attempt left for the provider's page, encrypted, used once, worthless after `handover_until`.
    `session_mark` is a digest of the session at the provider that the customer was last sent on to:
    a return that names it is this link's. `claimed_login_id` is what the customer's browser brought
    back, believed by nobody until the provider has confirmed it. Source: issue 5 B and C, 6 D.
    """

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(
        "logins.Provider", on_delete=models.PROTECT, related_name="links", db_index=False
    )
    customer = models.ForeignKey(
        "logins.Customer", on_delete=models.CASCADE, related_name="links", db_index=False
    )
    login = models.ForeignKey(
        "logins.Login",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="links",
        db_index=False,
    )
    case = models.ForeignKey(
        "logins.ReconnectCase",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="links",
    )
    institution = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=2, choices=Language, default=Language.ENGLISH)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    opened_at = models.DateTimeField("first opened", null=True, blank=True)
    starts = models.PositiveSmallIntegerField("clicks", default=0)
    started_at = models.DateTimeField("last click", null=True, blank=True)
    attempt_id = models.BigIntegerField("attempt", null=True, blank=True)
    sealed_handover = models.BinaryField(null=True, blank=True)
    handover_until = models.DateTimeField(null=True, blank=True)
    session_mark = models.CharField(max_length=64, blank=True, default="", db_default="")
    handed_at = models.DateTimeField("sent on to the provider", null=True, blank=True)
    returned_at = models.DateTimeField("came back", null=True, blank=True)
    claimed_login_id = models.CharField(max_length=64, blank=True)
    refused_why = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_as = models.CharField(max_length=20, blank=True, choices=LinkEnd)

    class Meta:
        verbose_name = "connect link"
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_as="")
                | Q(ended_at__isnull=False) & ~Q(ended_as=""),
                name="an_ended_link_says_how",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("made_at")), name="a_link_lives_for_a_while"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-made_at", "-id"], name="link_of_customer"),
            models.Index(fields=["login", "-made_at", "-id"], name="link_of_login"),
            models.Index(fields=["attempt_id"], name="link_of_attempt"),
            models.Index(fields=["started_at"], name="link_started"),
            models.Index(fields=["session_mark"], name="link_of_session"),
        ]
        permissions = [("send_connectlink", "Can make, send and revoke connect links")]

    def __str__(self) -> str:
        return f"Connect link {self.pk}"


class LetterKind(models.TextChoices):
    """What a mail asks a customer for."""

    RECONNECT = "reconnect", "reconnect a bank"
    REMINDER = "reminder", "remind of a reconnect"
    CONNECT = "connect", "connect a first bank"
    TEST = "test", "test"


class LetterState(models.TextChoices):
    """How far a mail has come."""

    QUEUED = "queued", "queued"
    SENT = "sent", "sent"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "not sent any more"


class LetterText(models.Model):
    """The words of one kind of mail in one language, as people changed them; ours where empty.

    `body` knows `{link}`, `{institution}`, `{lender}`, `{expires}`; nothing else is filled in.
    """

    kind = models.CharField(max_length=20, choices=LetterKind)
    language = models.CharField(max_length=2, choices=Language)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField("text", max_length=5000, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = "text of a mail"
        verbose_name_plural = "texts of mails"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "language"], name="one_text_a_kind_and_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_language_display()})"


class Letter(models.Model):
    """A mail on its way: the row is the truth, the queue only the courier.

    Its text is made when it is sent, so that no link lies here. Sent at least once: a worker that
    dies between sending and writing that down sends it again. `sample_of` is the text that a test
    shows, filled with sample values.
    """

    kind = models.CharField(max_length=20, choices=LetterKind)
    sample_of = models.CharField(max_length=20, blank=True, choices=LetterKind)
    link = models.ForeignKey(
        ConnectLink, null=True, blank=True, on_delete=models.CASCADE, related_name="letters"
    )
    language = models.CharField(max_length=2, choices=Language, default=Language.ENGLISH)
    to = models.EmailField()
    queued_at = models.DateTimeField()
    queued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=LetterState, default=LetterState.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "mail"
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["state", "not_before", "id"], name="letter_due"),
            models.Index(fields=["-queued_at", "-id"], name="letter_newest"),
            models.Index(fields=["state", "-queued_at", "-id"], name="letter_states"),
            models.Index(fields=["kind", "-queued_at", "-id"], name="letter_kinds"),
        ]

    def __str__(self) -> str:
        return f"Mail {self.pk}"

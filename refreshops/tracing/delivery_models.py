"""The evidence of what a provider sent by itself: one row for each different webhook delivery."""

from django.db import models


class DeliveryState(models.TextChoices):
    """What became of a delivery."""

    STORED = "stored", "stored"
    APPLIED = "applied", "applied"
    SUPERSEDED = "superseded", "older than what we know"
    UNKNOWN_LOGIN = "unknown_login", "login not known here"
    IGNORED = "ignored", "nothing to learn"
    UNREADABLE = "unreadable", "could not be read"
    PARKED = "parked", "could not be applied"


class Delivery(models.Model):
    """One webhook, stored before anything is done with it. No foreign keys, as `Call`.

    `digest` is the SHA-256 of the raw body: the same body again only counts `times`. `answer` is
    the redacted envelope; `sealed` the raw body, encrypted, until it was applied or retention came.
    Source: issue 5 D.
    """

    received_at = models.DateTimeField("timestamp")
    provider = models.CharField(max_length=20)
    kind = models.CharField("ResponseType", max_length=60, blank=True)
    digest = models.CharField(max_length=64)
    size = models.PositiveIntegerField("bytes")
    times = models.PositiveIntegerField(default=1)
    last_received_at = models.DateTimeField()
    login_id = models.CharField("LoginId", max_length=64, blank=True)
    request_id = models.CharField("RequestId", max_length=64, blank=True)
    tag = models.CharField("Tag", max_length=120, blank=True)
    institution = models.CharField(max_length=100, blank=True)
    http_status_code = models.PositiveIntegerField("HttpStatusCode", null=True, blank=True)
    provider_code = models.CharField("FlinksCode", max_length=80, blank=True)
    message = models.CharField(max_length=500, blank=True)
    answer = models.JSONField(default=dict, blank=True)
    sealed = models.BinaryField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=DeliveryState, default=DeliveryState.STORED)
    state_reason = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "deliveries"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "digest"], name="a_delivery_once_a_provider"
            )
        ]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="delivery_newest"),
            models.Index(fields=["state", "-received_at", "-id"], name="delivery_states"),
            models.Index(fields=["login_id", "-received_at", "-id"], name="delivery_login"),
            models.Index(fields=["request_id", "-received_at", "-id"], name="delivery_request"),
            models.Index(fields=["provider", "-received_at", "-id"], name="delivery_provider"),
        ]

    def __str__(self) -> str:
        return f"Delivery {self.pk}"

"""One row per HTTP exchange with a provider: written before it is sent, completed afterwards."""

from django.db import models
from django.db.models import Q

from refreshops.rules.lifecycle import CallState


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
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint} #{self.pk}"

"""What stands beside the register: notes, logins nobody registered, files not confirmed yet."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class Note(models.Model):
    """What a person wrote down about a login, for the next one who opens it. Never edited."""

    login = models.ForeignKey("logins.Login", on_delete=models.CASCADE, related_name="notes")
    written_at = models.DateTimeField()
    # Who left is switched off, not deleted: a note keeps its writer.
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    text = models.CharField(max_length=2000)

    class Meta:
        default_permissions = ("add",)
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="a_note_says_something")]
        indexes = [models.Index(fields=["login", "-written_at", "-id"], name="note_of_login")]

    def __str__(self) -> str:
        return f"Note {self.pk}"


class UnknownLogin(models.Model):
    """A login the provider reported and nobody registered here: perhaps we pay for it.

    `provider_state` and `provider_code` are the provider's words about its last refresh. The row
    counts while no `Login` has the same id; a newer report without it deletes it.
    """

    provider = models.ForeignKey(
        "logins.Provider", on_delete=models.CASCADE, related_name="unknown_logins"
    )
    login_id = models.CharField("LoginId", max_length=64)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    last_refresh_at = models.DateTimeField("LastRefresh", null=True, blank=True)
    provider_state = models.CharField(max_length=80, blank=True)
    provider_code = models.CharField("FlinksCode", max_length=80, blank=True)

    class Meta:
        verbose_name = "unknown login"
        constraints = [
            models.UniqueConstraint(fields=["provider", "login_id"], name="unknown_once_a_provider")
        ]

    def __str__(self) -> str:
        return f"Unknown login {self.login_id[:8]}"


class Upload(models.Model):
    """A file somebody sent for an import and has not confirmed yet: sealed, and soon deleted."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    uploaded_at = models.DateTimeField()
    sealed = models.BinaryField()

    class Meta:
        # Nobody views or edits one: its owner confirms or drops it.
        default_permissions = ()
        indexes = [models.Index(fields=["uploaded_at"], name="upload_age")]

    def __str__(self) -> str:
        return self.name

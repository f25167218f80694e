"""Bank data as fetched: encrypted snapshots, and the accounts of the latest one."""

from django.db import models

from refreshops.logins.models import Login


class Snapshot(models.Model):
    """What one attempt fetched for one login; `payload` is compressed, then encrypted."""

    login = models.ForeignKey(Login, on_delete=models.CASCADE, related_name="snapshots")
    attempt_id = models.BigIntegerField()
    fetched_at = models.DateTimeField()
    data_as_of = models.DateTimeField("data as of", null=True, blank=True)
    payload = models.BinaryField()
    account_count = models.PositiveIntegerField()
    transaction_count = models.PositiveIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["login", "-fetched_at"], name="snapshot_latest"),
            models.Index(fields=["-fetched_at", "-id"], name="snapshot_newest"),
        ]

    def __str__(self) -> str:
        return f"Snapshot #{self.pk}"


class Piece(models.Model):
    """A part of what an attempt fetches in several calls; `payload` is as a snapshot's.

    `login` is empty where it concerns the provider as a whole.
    """

    login = models.ForeignKey(Login, null=True, on_delete=models.CASCADE, related_name="pieces")
    attempt_id = models.BigIntegerField()
    name = models.CharField(max_length=60)
    payload = models.BinaryField()
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt_id", "name"], name="a_piece_once_an_attempt")
        ]

    def __str__(self) -> str:
        return f"Piece {self.name} of attempt {self.attempt_id}"


class BankAccount(models.Model):
    """One account of a login's latest snapshot; of its number only the last four digits."""

    login = models.ForeignKey(Login, on_delete=models.CASCADE, related_name="bank_accounts")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="bank_accounts")
    title = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=60, blank=True)
    currency = models.CharField(max_length=8, blank=True)
    balance_current = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    balance_available = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    balance_limit = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    last_four = models.CharField(max_length=4, blank=True)

    def __str__(self) -> str:
        return f"{self.title} ····{self.last_four}" if self.last_four else self.title

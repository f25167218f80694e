"""What an ended run keeps for its matrix, beside the run itself: lists of runs do not read it."""

from django.db import models


class RunCells(models.Model):
    """What the matrix of an ended run counts: rows of institution, code, outcome and number.

    They stay when its attempts are deleted; from then on they are not `whole` any more: no row
    stands behind a number.
    """

    run = models.OneToOneField(
        "routine.Run", primary_key=True, on_delete=models.CASCADE, related_name="kept_cells"
    )
    cells = models.JSONField(default=list)
    whole = models.BooleanField(default=True)

    class Meta:
        # Seen on the page of their run alone.
        default_permissions = ()

    def __str__(self) -> str:
        return f"Cells of run {self.pk}"

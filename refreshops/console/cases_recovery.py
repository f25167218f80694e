"""The page "Recovery": of the cases of the last month, how many came back, bank by bank."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from refreshops import wiring
from refreshops.console.addresses import NO_BANK, cases_list
from refreshops.console.cases_list import CAME_BACK, LATELY, cases_of
from refreshops.console.scoping import sees_everything
from refreshops.logins import cases


@dataclass(frozen=True)
class Recovered:
    """One bank, or all of them without a name: cases opened lately, and those that came back."""

    institution: str
    opened: int
    back: int
    opened_url: str
    back_url: str

    @property
    def rate(self) -> str:
        """How many of a hundred came back."""
        return f"{100 * self.back // self.opened} %" if self.opened else "–"


def address() -> str:
    """Return the page's address."""
    return reverse("admin:case_recovery")


def view(request: HttpRequest) -> HttpResponse:
    """Show the table; each number leads to exactly its cases."""
    if not request.user.has_perm("logins.view_reconnectcase"):
        raise PermissionDenied
    rows = recovered_by_bank(cases.recovery(cases_of(request.user), now=wiring.clock()))
    context = {
        **admin.site.each_context(request),
        "title": "Recovery",
        "rows": rows,
        "total": recovered_in_all(rows),
        "days": cases.RECOVERY_OVER.days,
        "cases_url": cases_list(),
        "scoped": not sees_everything(request.user),
    }
    return TemplateResponse(request, "console/recovery.html", context)


def recovered_by_bank(
    counted: Iterable[tuple[str, int, int]], *, provider: str = ""
) -> list[Recovered]:
    """Return a line for each bank, that with the most cases first.

    `provider` is the one at which alone was counted, if so.
    """
    rows = [_line(name, opened, back, provider=provider) for name, opened, back in counted]
    return sorted(rows, key=lambda row: (-row.opened, row.institution))


def recovered_in_all(rows: Iterable[Recovered], *, provider: str = "") -> Recovered:
    """Return the line that sums up all of them."""
    counted = [(row.opened, row.back) for row in rows]
    opened, back = (sum(numbers) for numbers in zip(*counted, strict=True)) if counted else (0, 0)
    return Recovered(
        "",
        opened,
        back,
        cases_list(view=LATELY, provider=provider),
        cases_list(view=CAME_BACK, provider=provider),
    )


def _line(institution: str, opened: int, back: int, *, provider: str) -> Recovered:
    bank = institution or NO_BANK
    return Recovered(
        institution,
        opened,
        back,
        cases_list(view=LATELY, institution=bank, provider=provider),
        cases_list(view=CAME_BACK, institution=bank, provider=provider),
    )

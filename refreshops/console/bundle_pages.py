"""Support bundles: what goes into one is shown first, then handed out as a zip."""

from django.http import Http404, HttpRequest, HttpResponse


def of_row(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Offer the bundle of a call, login, attempt or run."""
    raise Http404(kind)


def of_cell(request: HttpRequest) -> HttpResponse:
    """Offer the bundle of a matrix cell."""
    raise Http404("cell")

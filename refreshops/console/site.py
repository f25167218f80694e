"""The one admin site: stock Django admin with our index page, and without the queue's tables."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from refreshops.console.hand_edits import ToldEdits
from refreshops.console.lookups import OwnLookups
from refreshops.console.refusals import refusing
from refreshops.console.sign_ins import ToldPasswords

# Their forms would let a person name any function to be run (fault F10).
NEVER_REGISTERED = frozenset({"django_q"})
APP_ORDER = ("logins", "routine", "tracing", "bankdata", "auth")

PLACES = (
    ("logins_login_changelist", "logins.view_login", "Logins"),
    ("logins_customer_changelist", "logins.view_customer", "Customers"),
    ("logins_reconnectcase_changelist", "logins.view_reconnectcase", "Cases"),
    ("leaks", "logins.view_login", "Leaks"),
    ("routine_run_changelist", "routine.view_run", "Runs"),
    ("tracing_call_changelist", "tracing.view_call", "Calls"),
)

MORNING_PARTS = {
    "pulse": "console/parts/pulse.html",
    "switch": "console/parts/switch.html",
    "today": "console/parts/today.html",
    "numbers": "console/parts/numbers.html",
    "attention": "console/parts/attention.html",
    "matrix": "console/parts/morning_matrix.html",
    "mornings": "console/parts/mornings.html",
    "latest": "console/parts/latest.html",
}


class ConsoleSite(ToldPasswords, admin.AdminSite):
    """Stock Django admin under our name."""

    site_header = "RefreshOps"
    site_title = "RefreshOps"
    index_title = "This morning"
    index_template = "console/index.html"
    site_url = None
    # The places people go to every day stand in the header; lists get the whole width.
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register as usual, but leave out the queue's own tables, and guard every list."""
        models = model_or_iterable if isinstance(model_or_iterable, (list, tuple)) else None
        guarded = _guarded(admin_class or admin.ModelAdmin)
        for model in models if models is not None else [model_or_iterable]:
            if model._meta.app_label not in NEVER_REGISTERED:
                super().register(model, guarded, **options)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Guard a page as usual; none is kept by a browser, those of Django's own included."""
        return super().admin_view(refusing(view), cacheable=False)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Add the index page's live answer, and the pages that belong to no table."""
        from refreshops.console import bundle_pages, help_pages, look_again
        from refreshops.console.leak_page import leaks_page
        from refreshops.console.schedule_page import schedule_page

        own: list[URLPattern | URLResolver] = [
            path("morning.json", self.admin_view(self.morning_json), name="morning"),
            path("schedule/", self.admin_view(schedule_page), name="schedule"),
            path("leaks/", self.admin_view(leaks_page), name="leaks"),
            path("leaks/check/", self.admin_view(look_again.view), name="leaks_check"),
            path("help/", self.admin_view(help_pages.help_index), name="help_index"),
            path("help/<slug:page>/", self.admin_view(help_pages.help_page), name="help"),
            path("bundle/cell/", self.admin_view(bundle_pages.of_cell), name="bundle_cell"),
            path(
                "bundle/<slug:kind>/<int:pk>/", self.admin_view(bundle_pages.of_row), name="bundle"
            ),
        ]
        return own + super().get_urls()

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the places in the header."""
        return {**super().each_context(request), "places": _places(request)}

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show "This morning" above the list of tables."""
        return super().index(request, {**_morning(request), **(extra_context or {})})

    def morning_json(self, request: HttpRequest) -> JsonResponse:
        """Answer the index page's polling."""
        from refreshops.console import live

        context = _morning(request)
        morning = context["morning"]
        return live.answer(
            request,
            parts=MORNING_PARTS,
            context=context,
            moving=morning.moving,
            numbers={"numbers": {row.kind: row.count for row in (*morning.six, *morning.rest)}},
        )

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the tables in the order of the work, and the daily time among the routine."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            if app["app_label"] == "routine" and request.user.has_perm("routine.set_daily_time"):
                app["models"].append(_schedule_entry())
        return sorted(apps, key=lambda app: _rank(app["app_label"]))


def _guarded(admin_class: type[admin.ModelAdmin]) -> type[admin.ModelAdmin]:
    """Return the class with our mixins: people and groups are registered by Django itself."""
    mixins = [row for row in (ToldEdits, OwnLookups) if not issubclass(admin_class, row)]
    return type(admin_class.__name__, (*mixins, admin_class), {}) if mixins else admin_class


def _places(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the header's links: those this person may follow, the current one marked."""
    home = reverse("admin:index")
    places = [{"label": "This morning", "url": home, "here": request.path == home}]
    for name, permission, label in PLACES:
        if request.user.has_perm(permission):
            url = reverse(f"admin:{name}")
            places.append({"label": label, "url": url, "here": request.path.startswith(url)})
    return places


def _rank(app_label: str) -> int:
    return APP_ORDER.index(app_label) if app_label in APP_ORDER else len(APP_ORDER)


def _schedule_entry() -> dict[str, Any]:
    return {
        "name": "Daily time",
        "object_name": "DailyTime",
        "perms": {},
        "admin_url": reverse("admin:schedule"),
        "add_url": None,
        "view_only": False,
    }


def _morning(request: HttpRequest) -> dict[str, Any]:
    from refreshops import wiring
    from refreshops.console.morning import morning_of
    from refreshops.console.provider_switch import chosen_in

    every_line = request.GET.get("institutions") == "all"
    chosen = chosen_in(request)
    now = wiring.clock()
    return {"morning": morning_of(request.user, now=now, chosen=chosen, every_line=every_line)}

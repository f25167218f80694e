"""The addresses that customers and providers come to. None of them falls through to the console."""

from django.urls import path, re_path

from refreshops.connect import views, webhooks

urlpatterns = [
    re_path(r"^webhooks/flinks/?$", webhooks.flinks, name="webhooks_flinks"),
    path("connect/back/", views.back, name="connect_back"),
    # A link that was copied without its last stroke is as good.
    re_path(r"^connect/(?P<token>[^/]+)/?$", views.page, name="connect_page"),
    path("connect/<str:token>/start", views.start, name="connect_start"),
    path("connect/<str:token>/wait", views.wait, name="connect_wait"),
    path("connect/<str:token>/state", views.state, name="connect_state"),
    re_path(r"^connect(?:/.*)?$", views.nothing_here, name="connect_nothing"),
]

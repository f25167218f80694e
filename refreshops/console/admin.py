"""Every table of the product in the one admin site."""

from refreshops.console import (
    attempts_admin,
    bankdata_admin,
    calls_admin,
    cases_admin,
    deliveries_admin,
    events_admin,
    letter_texts_admin,
    letters_admin,
    logins_admin,
    people_admin,
    providers_admin,
    register_admin,
    runs_admin,
    unknown_admin,
)

__all__ = [
    "attempts_admin",
    "bankdata_admin",
    "calls_admin",
    "cases_admin",
    "deliveries_admin",
    "events_admin",
    "letter_texts_admin",
    "letters_admin",
    "logins_admin",
    "people_admin",
    "providers_admin",
    "register_admin",
    "runs_admin",
    "unknown_admin",
]

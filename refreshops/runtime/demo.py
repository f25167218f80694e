"""What `make run` prepares before the visitor's eyes: tables, people, today's run."""

import secrets

from django.contrib.auth.models import Group, User
from django.core.management import call_command

from refreshops import wiring
from refreshops.routine import schedules, tasks
from refreshops.routine.models import OPEN_RUN, Run
from refreshops.routine.roles import ACCOUNT_MANAGERS, AUDITORS, OPERATIONS
from refreshops.rules.lifecycle import Origin

# Sign-in name, first and last name, group (none: superuser). What one orders another approves.
PEOPLE = (
    ("ops", "Olivia", "Tremblay", OPERATIONS),
    ("manager", "Marc", "Bouchard", ACCOUNT_MANAGERS),
    ("auditor", "Amir", "Haddad", AUDITORS),
    ("admin", "Ada", "Nguyen", None),
)


def prepare_database() -> None:
    """Bring the tables and the schedules up to date."""
    call_command("migrate", verbosity=0)
    schedules.ensure_schedules(wiring.provider_names())


def make_people(*, password: str) -> str:
    """Make the demo people, or give them the password anew; returns the password.

    An empty `password` means: generate one.
    """
    chosen = password or secrets.token_urlsafe(9)
    for username, first_name, last_name, group in PEOPLE:
        person = make_person(username, first_name=first_name, last_name=last_name, group=group)
        # Setting the same one again would end its sessions for nothing.
        if not person.check_password(chosen):
            person.set_password(chosen)
            person.save(update_fields=["password"])
    return chosen


def make_person(username: str, *, first_name: str, last_name: str, group: str | None) -> User:
    """Return the person of that sign-in name, made if missing, in `group` (none: superuser)."""
    person, _ = User.objects.get_or_create(
        username=username, defaults={"first_name": first_name, "last_name": last_name}
    )
    # Nobody reads it, but whoever tries the texts of mails has somewhere to send one.
    person.email = person.email or f"{username}@staff.example"
    person.is_staff = person.is_active = True
    person.is_superuser = group is None
    person.save(update_fields=["email", "is_staff", "is_active", "is_superuser"])
    if group:
        person.groups.add(Group.objects.get(name=group))
    return person


def open_first_run() -> None:
    """Open or join today's runs, as the schedules do; the worker finds them waiting."""
    tasks.open_today()


def first_run_in_words(provider: str, *, logins: int) -> str:
    """Say what the visitor sees of a provider's run of today."""
    runs = Run.objects.filter(origin=Origin.DAILY, provider__name=provider)
    run = runs.order_by("-local_date").first()
    if run is None or run.state not in OPEN_RUN:
        return f"{logins} logins, done already"
    limit = wiring.provider_row(provider).logins_per_minute
    minutes = max(1, round(run.forecast_seconds / 60))
    return f"{logins} logins at {limit} a minute, about {minutes} min in all"

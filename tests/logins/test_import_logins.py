"""The import as people run it: all or nothing, safe to repeat, and it never switches a login."""

import resource
import time
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from refreshops import wiring
from refreshops.logins import register
from refreshops.logins.models import Customer, Login, LoginStatus, Nightly, Provider
from refreshops.logins.register_rows import COLUMNS, Entry
from tests.builders import NOON, make_customer, make_login

pytestmark = pytest.mark.django_db

HEADER = ",".join(COLUMNS)
IDS = [str(uuid.UUID(int=number)) for number in range(1, 9)]


@pytest.fixture
def import_file(tmp_path, capsys):
    """Return a function that imports these lines and returns what was printed."""

    def run(*lines: str, header: str = HEADER, dry_run: bool = False) -> str:
        path = tmp_path / "register.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        call_command("import_logins", str(path), dry_run=dry_run)
        return capsys.readouterr().out

    return run


def everything() -> list[tuple]:
    return [
        *Customer.objects.order_by("pk").values_list(),
        *Login.objects.order_by("pk").values_list(),
        *Provider.objects.order_by("pk").values_list(),
    ]


def test_a_first_import_makes_customers_and_logins(import_file):
    manager = User.objects.create(username="manager")

    said = import_file(
        f"{IDS[0]},Maple Trust,C-1,Anna Roy,manager,flinks,active",
        f"{{{IDS[1].upper()}}},Caisse,C-1,,,,",
        f"{IDS[2]},,C-2,Bo Ng,,FLINKS,",
    )

    assert "Logins: 3 new, 0 changed, 0 unchanged. Customers: 2 new, 0 changed" in said
    first = Login.objects.get(login_id=IDS[0])
    assert (first.institution, first.status, first.nightly) == ("Maple Trust", "active", "unknown")
    assert (first.customer.name, first.customer.account_manager) == ("Anna Roy", manager)
    assert first.provider == wiring.provider_row("flinks")
    assert Login.objects.get(login_id=IDS[1]).customer.reference == "C-1"
    assert Customer.objects.get(reference="C-2").account_manager is None


def test_an_imported_login_is_as_a_saved_one(import_file):
    saved = make_login(login_id=IDS[0], customer=make_customer("C-1"), institution="")

    import_file(f"{IDS[1]},C-1", header="login_id,customer")

    imported = Login.objects.get(login_id=IDS[1])
    for field in Login._meta.concrete_fields:
        if field.name not in ("id", "login_id", "created_at"):
            assert getattr(imported, field.name) == getattr(saved, field.name), field.name
    # One was stamped by the clock of the databases, the other by that of this machine.
    assert abs(imported.created_at - saved.created_at) < timedelta(minutes=5)


def test_a_second_import_changes_nothing_and_says_so(import_file):
    User.objects.create(username="manager")
    lines = [f"{login_id},Maple Trust,C-1,Anna Roy,manager,,active" for login_id in IDS]
    import_file(*lines)
    before = everything()

    said = import_file(*lines)

    assert "Logins: 0 new, 0 changed, 8 unchanged. Customers: 0 new, 0 changed, 1 unchan" in said
    assert "holds all of this already; nothing was written" in said
    assert everything() == before


def test_what_the_file_does_not_say_stays(import_file):
    User.objects.create(username="manager")
    import_file(f"{IDS[0]},Maple Trust,C-1,Anna Roy,manager,flinks,inactive")
    before = everything()

    import_file(f"{IDS[0]},C-1", header="login_id,customer")
    import_file(f"{IDS[0]},,C-1,,,,")

    assert everything() == before


def test_names_managers_and_institutions_change(import_file):
    User.objects.create(username="manager")
    import_file(f"{IDS[0]},Maple,C-1,Anna,,,", f"{IDS[1]},Maple,C-2,Bo,manager,,")

    said = import_file(f"{IDS[0]},Caisse,C-1,,manager,,", f"{IDS[1]},Maple,C-2,Bob,,,")

    assert "Logins: 0 new, 1 changed, 1 unchanged. Customers: 0 new, 2 changed, 0 unch" in said
    customers = Customer.objects.order_by("reference")
    assert list(customers.values_list("name", "account_manager__username")) == [
        ("Anna", "manager"),
        ("Bob", "manager"),
    ]
    assert list(Login.objects.order_by("pk").values_list("institution", flat=True)) == [
        "Caisse",
        "Maple",
    ]


def test_a_trial_says_the_same_and_writes_nothing(import_file):
    make_login(login_id=IDS[0], customer=make_customer("C-1"), institution="Maple")
    before = everything()

    said = import_file(f"{IDS[0]},Caisse,C-1,,,,", f"{IDS[1]},,C-2,,,,inactive", dry_run=True)

    assert "Logins: 1 new, 1 changed, 0 unchanged. Customers: 1 new" in said
    assert "nothing was written" in said
    assert everything() == before


def test_a_trial_on_an_empty_database_makes_no_provider(import_file):
    import_file(f"{IDS[0]},,C-2,,,,", dry_run=True)

    assert everything() == []


def test_one_bad_row_stops_all_of_them(import_file):
    before = everything()

    with pytest.raises(CommandError) as refused:
        import_file(
            f'{IDS[0]},"Maple\nTrust",C-1,,,,',
            f"{IDS[1]},Maple,C-2,,nobody,,",
            f"{IDS[2]},Maple",
            "not-an-id,Maple,C-3,,,,",
            f"{IDS[0].upper()},Maple,C-4,,,,",
            f"{IDS[4]},Maple,C-5,,,flunks,",
        )

    assert str(refused.value).startswith("Bad rows: 5. Nothing was written.\n")
    lines = str(refused.value).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == [
        f"line {number}" for number in (4, 5, 6, 7, 8)
    ]
    assert "account_manager 'nobody' is no user: such a person does not exist here" in lines[0]
    assert everything() == before


def test_a_login_of_another_customer_is_refused(import_file):
    make_login(login_id=IDS[0], customer=make_customer("C-1"))

    with pytest.raises(CommandError, match="line 2: login_id .* belongs to customer 'C-1' already"):
        import_file(f"{IDS[0]},,C-2,,,,")

    assert not Customer.objects.filter(reference="C-2").exists()


@pytest.mark.parametrize("erased_at", [None, NOON], ids=["asked", "erased"])
def test_nobody_is_brought_back_who_was_to_be_forgotten(import_file, erased_at):
    make_customer("C-9", erasure_asked_at=NOON, erased_at=erased_at)
    before = everything()

    with pytest.raises(CommandError, match="line 2: customer 'C-9' was erased on request"):
        import_file(f"{IDS[0]},TD,C-9,Anna,,,")

    assert everything() == before


def test_the_first_hundred_bad_rows_are_printed_and_the_rest_counted(import_file):
    make_login(login_id=IDS[0], customer=make_customer("C-1"))

    with pytest.raises(CommandError) as refused:
        import_file(f"{IDS[0]},,C-2,,,,", *["x,,C-1,,,,"] * 300)

    lines = str(refused.value).splitlines()
    assert lines[0].startswith("Bad rows: 301.")
    assert lines[1].startswith("  line 2: login_id 0000")
    assert lines[100].startswith("  line 101:")
    assert lines[101:] == ["  and 201 more"]


def test_a_status_in_the_file_switches_nothing(import_file):
    make_login(login_id=IDS[0], customer=make_customer("C-1"), nightly=Nightly.ON)
    before = everything()

    said = import_file(f"{IDS[0]},,C-1,,,,inactive")

    assert "Another status here than in the file: 1. They keep it" in said
    assert f"line 2: login_id {IDS[0]} is active here, inactive there" in said
    assert everything() == before


def test_a_new_inactive_login_says_that_the_provider_was_not_told(import_file):
    said = import_file(f"{IDS[0]},,C-1,,,,Inactive")

    login = Login.objects.get()
    assert "New but inactive here: 1. The provider was not told" in said
    assert login.status == LoginStatus.INACTIVE
    assert login.status_reason == "Imported as inactive. The provider was not told."
    assert login.status_changed_at is not None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"", "The file is empty. Nothing was written.", id="empty"),
        pytest.param(HEADER.encode(), "a header and no rows. Nothing", id="only-a-header"),
        pytest.param(b"LoginId,Customer\n", "Unknown column 'loginid'", id="wrong-header"),
        pytest.param(HEADER.encode("utf-16"), "UTF-16", id="utf-16"),
    ],
)
def test_a_file_that_is_refused_gives_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "register.csv"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=sentence):
        call_command("import_logins", str(path))


def test_a_file_in_the_windows_code_page_names_the_row(tmp_path):
    path = tmp_path / "register.csv"
    path.write_bytes(f"{HEADER}\n{IDS[0]},,C-1,Ren\xe9e,,,\n".encode("cp1252"))

    with pytest.raises(CommandError, match="line 2: customer_name is no UTF-8 text"):
        call_command("import_logins", str(path))


def test_a_race_with_another_import_writes_nothing():
    plan = register.compare([Entry(2, IDS[0], "C-9", "flinks"), Entry(3, IDS[1], "C-9", "flinks")])
    make_login(login_id=IDS[1], customer=make_customer("C-1"))

    with pytest.raises(IntegrityError):
        register.write(plan, provider_row=wiring.provider_row, now=NOON)

    assert Login.objects.count() == 1
    assert not Customer.objects.filter(reference="C-9").exists()


@pytest.mark.parametrize("count", [register.MANY - 1, register.MANY])
def test_postgresql_counts_at_once_after_many_new_logins_and_sqlite_never(count):
    entries = [
        Entry(number + 2, str(uuid.UUID(int=number << 64)), f"C-{number}", "flinks")
        for number in range(count)
    ]

    with CaptureQueriesContext(connection) as asked:
        register.write(register.compare(entries), provider_row=wiring.provider_row, now=NOON)

    counted = [row["sql"] for row in asked if row["sql"].startswith("ANALYZE")]
    is_due = connection.vendor == "postgresql" and count >= register.MANY
    wanted = ['ANALYZE "logins_login"', 'ANALYZE "logins_customer"']
    assert counted == (wanted if is_due else [])


@pytest.mark.parametrize(
    ("count", "most_s", "most_kb"),
    [
        pytest.param(20_000, 10, 50_000, id="some"),
        # About 6 s where nothing else runs.
        pytest.param(100_000, 20, 100_000, id="hundred-thousand", marks=pytest.mark.soak),
    ],
)
def test_many_rows_are_quick_and_take_little_memory(count, most_s, most_kb, tmp_path, capsys):
    path = tmp_path / "register.csv"
    with path.open("w") as file:
        file.write(HEADER + "\n")
        for number in range(count):
            file.write(
                f"{uuid.UUID(int=number << 64)},Bank {number % 40},C-{number // 2},"
                f"Customer {number // 2},,flinks,active\n"
            )
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()

    call_command("import_logins", str(path))

    seconds = time.process_time() - started
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert f"Logins: {count} new" in capsys.readouterr().out
    assert Login.objects.count() == count
    assert seconds < most_s
    assert grown_kb < most_kb
    call_command("import_logins", str(path))
    assert f"0 new, 0 changed, {count} unchanged" in capsys.readouterr().out

"""The import of customers from the command line."""

import json

import pytest
from django.core.management import CommandError, call_command

from refreshops.logins.models import Customer
from tests.builders import make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def import_file(tmp_path, capsys):
    """Return a function that imports these lines and returns what was printed."""

    def run(*lines: str, **options: bool) -> str:
        path = tmp_path / "customers.csv"
        path.write_text("\n".join(["reference,name,account_manager", *lines]) + "\n")
        call_command("import_customers", str(path), **options)
        return capsys.readouterr().out

    return run


def test_it_imports_and_says_how_much(import_file):
    make_customer("C-1", name="Maple")

    said = import_file("C-1,Maple,", "C-2,Birch,")

    assert said == "Customers: 1 new, 0 changed, 1 unchanged.\n"
    assert Customer.objects.count() == 2


def test_a_rehearsal_writes_nothing(import_file):
    assert "Only tried: nothing was written." in import_file("C-1,Maple,", dry_run=True)
    assert not Customer.objects.exists()


def test_a_bad_row_stops_all_of_it(import_file):
    with pytest.raises(CommandError, match="Bad rows: 1. Nothing was written.\n  line 3: 1 cells"):
        import_file("C-1,Maple,", "C-2")

    assert not Customer.objects.exists()


def test_it_speaks_json(import_file):
    said = json.loads(import_file("C-1,Maple,", json=True))

    assert (said["new"], said["written"], said["faults"]) == (1, True, [])


def test_bad_rows_are_in_the_json_too(import_file, capsys):
    with pytest.raises(CommandError):
        import_file("C-1", json=True)

    said = json.loads(capsys.readouterr().out)
    assert (said["bad_rows"], said["written"], said["faults"][0]["line"]) == (1, False, 2)


def test_no_file_is_said(tmp_path):
    with pytest.raises(CommandError, match="is no file. Nothing was written."):
        call_command("import_customers", str(tmp_path))


def test_a_text_that_is_called_a_workbook_is_refused_as_such(tmp_path):
    path = tmp_path / "customers.xlsx"
    path.write_text("reference,name\nC-1,Maple\n")

    with pytest.raises(CommandError, match="the file is no workbook.*Nothing was written"):
        call_command("import_customers", str(path))

    assert not Customer.objects.exists()

"""The line of SQLite's writers."""

import fcntl
import threading
from pathlib import Path

import pytest
from django.db import connection

from refreshops.routine.models import Beat
from refreshops.routine.writers import Line
from tests.builders import NOON

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL lets many write at once: there is no line"
)


@pytest.fixture
def somebody_else(transactional_db):
    """Stands in line before us, as another process would, until `close`."""
    name = connection.settings_dict["NAME"]
    with Path(f"{name}-line").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle


def write(name: str, line: Line) -> None:
    with line.writing():
        Beat.objects.create(name=name, seen_at=NOON)
    connection.close()


def test_a_writer_waits_until_the_one_before_it_is_done(somebody_else):
    writer = threading.Thread(target=write, args=("late", Line()))
    writer.start()
    writer.join(timeout=0.3)

    assert writer.is_alive()
    assert not Beat.objects.exists()

    somebody_else.close()
    writer.join(timeout=10)
    assert Beat.objects.get().name == "late"


def test_a_reader_does_not_stand_in_line(somebody_else):
    assert not Beat.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_threads_write_one_after_the_other():
    line, seen = Line(), []

    def count() -> None:
        with line.writing():
            beat = Beat.objects.get()
            Beat.objects.update(token=str(int(beat.token) + 1))
            seen.append(beat.token)
        connection.close()

    Beat.objects.create(name="counted", seen_at=NOON, token="0")
    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Beat.objects.get().token == "8"
    assert sorted(seen) == [str(number) for number in range(8)]


def stumble(line: Line) -> None:
    with line.writing():
        Beat.objects.create(name="half", seen_at=NOON)
        raise RuntimeError("stumbled")


@pytest.mark.django_db(transaction=True)
def test_a_writer_that_fails_leaves_nothing_behind_and_lets_the_next_one_in():
    line = Line()

    with pytest.raises(RuntimeError, match="stumbled"):
        stumble(line)
    with line.writing():
        Beat.objects.create(name="whole", seen_at=NOON)

    assert Beat.objects.get().name == "whole"

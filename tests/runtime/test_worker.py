"""The worker against real `kill -9`: the cases measured in reference, dependencies section 2."""

import os
import signal
import subprocess
import sys

import pytest

from tests.runtime.workshop import ROOT, environment, wait_for

pytestmark = pytest.mark.processes


def test_it_thaws_a_cluster_whose_idle_reader_was_killed(workshop, tmp_path):
    workshop.start()
    frozen = set(workshop.tree())
    done = tmp_path / "done"

    workshop.freeze()
    workshop.enqueue(["tests.runtime.errands.write", str(done)])

    wait_for(done.exists, seconds=12, what="the next task ran, although the dead had taken it")
    assert workshop.restarts() == 1
    assert not frozen & set(workshop.tree())
    assert "though a worker was free" in workshop.log.read_text()


def test_it_heals_a_cluster_whose_monitor_was_killed(workshop):
    workshop.start()
    (monitor,) = workshop.acking()

    os.kill(monitor, signal.SIGKILL)

    wait_for(workshop.restarts, seconds=8, what="the cluster was started anew")
    queued = workshop.pings_queued()
    wait_for(lambda: workshop.pings_queued() > queued + 2, seconds=10, what="pings went through")
    assert workshop.queue_length() <= 1


def test_a_killed_main_process_takes_its_children_along_and_comes_back(workshop):
    workshop.start()
    first = workshop.tree()

    os.kill(workshop.main(), signal.SIGKILL)

    wait_for(lambda: workshop.restarts() and workshop.acking(), seconds=15, what="it came back")
    assert not set(first) & set(workshop.tree())
    assert len(workshop.tree()) == len(first)


def test_a_killed_supervisor_leaves_no_process_behind(workshop):
    workshop.start()
    assert len(workshop.tree()) >= 6

    workshop.stop(signal.SIGKILL)

    wait_for(lambda: not workshop.survivors(), seconds=3, what="every process ended")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_lets_the_running_slice_end_and_leaves_nothing(workshop, tmp_path, number):
    workshop.start(grace=20)
    began, ended = tmp_path / "began", tmp_path / "ended"
    workshop.enqueue(["tests.runtime.errands.until_asked_to_stop", str(began), str(ended)])
    wait_for(began.exists, seconds=5, what="the task began")

    status, seconds = workshop.stop(number)

    assert status == 0
    assert seconds < 5
    assert ended.exists()
    assert not workshop.survivors()
    assert workshop.queue_length() == 0


def test_a_stop_ends_a_frozen_cluster_too(workshop):
    workshop.start(limit=60, grace=1)
    workshop.freeze()

    status, seconds = workshop.stop()

    assert status == 0
    assert seconds < 4
    assert not workshop.survivors()


def test_long_tasks_in_every_worker_are_no_reason_to_start_anew(workshop, tmp_path):
    workshop.start(limit=1)
    began = [tmp_path / "one", tmp_path / "two"]
    workshop.enqueue(*[["tests.runtime.errands.rest", str(path), 4] for path in began])
    wait_for(lambda: all(path.exists() for path in began), seconds=5, what="both began")
    queued = workshop.pings_queued()

    wait_for(lambda: workshop.pings_queued() > queued + 1, seconds=8, what="pings go through again")

    assert workshop.restarts() == 0


def test_killed_busy_workers_leave_no_zombies(workshop):
    workshop.start()
    for lives in (1, 2):
        os.kill(workshop.main(), signal.SIGKILL)
        wait_for(
            lambda lives=lives: workshop.restarts() == lives and workshop.acking(),
            seconds=10,
            what="it came back",
        )

    children = subprocess.run(
        ["ps", "-o", "stat=", "--ppid", str(workshop.worker.pid)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "Z" not in children.stdout


def test_without_tables_it_says_what_to_do(tmp_path):
    done = subprocess.run(
        [sys.executable, "manage.py", "worker"],
        cwd=ROOT,
        env=environment(tmp_path / "empty.sqlite3"),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr

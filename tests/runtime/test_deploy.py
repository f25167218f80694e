"""The files in deploy/ and the Makefile: what can be proved of them here."""

import configparser
import re
import shutil
import subprocess

import pytest

from tests.runtime.workshop import ROOT

UNITS = sorted((ROOT / "deploy").glob("*.service"))


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(ROOT / "deploy" / name)
    return parser


def test_the_worker_is_stopped_by_a_signal_to_the_supervisor_alone():
    service = unit("refreshops-worker.service")["Service"]
    grace = re.search(r"--grace-seconds (\d+)", service["ExecStart"])

    assert service["KillMode"] == "mixed"
    assert service["Restart"] == "always"
    assert int(service["TimeoutStopSec"]) > int(grace[1])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_hold_no_secret(path):
    assert "Environment=" not in path.read_text()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_locks_name_no_host(name):
    text = (ROOT / name).read_text()

    assert "://" not in text
    assert not re.search(r"^--(extra-)?index-url|^--find-links|^--trusted-host", text, re.M)


def test_make_help_has_a_line_for_each_command():
    done = subprocess.run(
        [shutil.which("make") or "make", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    named = re.findall(r"^  make (\w+)\s+\S", done.stdout, re.M)
    assert set(named) == {
        *("help", "setup", "run", "test", "check", "bench", "docs", "soak", "key")
    }


def test_the_image_leaves_out_what_is_not_named():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert ignored[0] == "*"
    assert not {"!.env", "!var", "!.git"} & set(ignored)

"""The .env of `make run`, and the example that documents every setting."""

import re
import stat
import subprocess
import sys

import pytest

from refreshops.runtime import dotenv
from tests.runtime.workshop import ROOT

EXAMPLE = (ROOT / ".env.example").read_text("utf-8")


def test_it_writes_a_file_for_its_owner_alone_with_keys_of_its_own(tmp_path):
    assert dotenv.write(tmp_path)

    written = (tmp_path / ".env").read_text()
    values = dict(re.findall(r"^([A-Z_]+)=(.+)$", written, re.M))
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert len(values["SECRET_KEY"]) >= 50
    assert values["FLINKS_API_URL"] == "http://127.0.0.1:8765/v3/"


def test_it_never_touches_one_that_is_there(tmp_path):
    (tmp_path / ".env").write_text("MINE=1\n")

    assert not dotenv.write(tmp_path)

    assert (tmp_path / ".env").read_text() == "MINE=1\n"


OLDER = "SECRET_KEY=mine\nFLINKS_API_URL=http://127.0.0.1:8765/v3/\n"
KEY = "FLINKS_WEBHOOK_KEY=simulator-webhook-key\n"
IDS = "FLANKS_CLIENT_ID=simulator-client\nFLANKS_CLIENT_SECRET=simulator-client-secret\n"
FLANKS = "FLANKS_API_URL=http://127.0.0.1:8765/\n" + IDS
OTHER_PORT = OLDER.replace("8765", "9001")


@pytest.mark.parametrize(
    ("there", "added"),
    [
        pytest.param(OLDER, "\n" + KEY + FLANKS, id="an-older-one"),
        pytest.param(OLDER.rstrip(), "\n\n" + KEY + FLANKS, id="without-an-end-of-line"),
        pytest.param(OLDER + KEY, "\n" + FLANKS, id="of-one-provider"),
        pytest.param(OLDER + "FLINKS_WEBHOOK_KEY=\n" + FLANKS, "", id="emptied"),
        pytest.param(OLDER + KEY + "FLANKS_API_URL=\n", "", id="one-provider-on-purpose"),
        pytest.param(OLDER + KEY + "#FLANKS_API_URL=x\n", "", id="the-other-behind-a-sign"),
        pytest.param(OLDER + "#FLINKS_WEBHOOK_KEY=old\n" + FLANKS, "", id="behind-a-sign"),
        pytest.param(OLDER + "export FLINKS_WEBHOOK_KEY=x\n" + FLANKS, "", id="exported"),
        pytest.param(OTHER_PORT, "\n" + KEY + FLANKS.replace("8765", "9001"), id="at-another-port"),
        pytest.param(
            OLDER.replace("127.0.0.1", "localhost"),
            "\n" + KEY + FLANKS.replace("127.0.0.1", "localhost"),
            id="by-name",
        ),
        pytest.param(
            "FLINKS_API_URL=https://lender-api.private.fin.ag/v3/\n", "", id="a-real-provider"
        ),
        pytest.param("", "", id="empty"),
    ],
)
def test_an_older_one_gets_what_the_simulator_has_needed_since(tmp_path, there, added):
    file = tmp_path / ".env"
    file.write_text(there)
    file.chmod(0o600)

    names = [dotenv.top_up(tmp_path) for _ in range(2)]

    assert file.read_text() == there + added
    assert names == [re.findall(r"^(\w+)=", added, re.M), []]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_settings_start_with_what_it_wrote(tmp_path):
    dotenv.write(tmp_path)

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={
            "ENV_FILE": str(tmp_path / ".env"),
            "PATH": "/usr/bin",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'any.sqlite3'}",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_two_installations_share_no_key():
    one, other = dotenv.fresh_keys(), dotenv.fresh_keys()

    assert not set(one.values()) & set(other.values())


def test_an_example_without_the_line_is_refused():
    with pytest.raises(LookupError, match="SECRET_KEY"):
        dotenv.fill_in("OTHER=\n", values={"SECRET_KEY": "x"})

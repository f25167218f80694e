"""The server as a process: its line, its log, its end, and what several clients do to it."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.simulation import (
    BEARER,
    CUSTOMER_ID,
    ROOT,
    SECRET_KEY,
    X_API_KEY,
    running_simulator,
)
from tests.simulator.client import Client

pytestmark = pytest.mark.processes


def authorize_bytes(login_id):
    body = json.dumps({"LoginId": login_id, "MostRecentCached": True})
    head = (
        f"POST /v3/{CUSTOMER_ID}/BankingServices/Authorize HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


class TestLog:
    def test_each_request_has_one_whole_line(self, connect):
        with running_simulator(scenario="pending", logins=4, pending_polls=1) as simulator:
            client = connect(simulator)
            sent = []
            for row in simulator.register_rows():
                heard = client.authorize(row["login_id"])
                answers = [heard, client.detail(heard.request_id), client.poll(heard.request_id)]
                sent += [(row["login_id"], heard.request_id, each.status) for each in answers]
            client.call("GET", "GetEverything")
            lines = simulator.log_lines()

        assert [(line["login_id"], line["request_id"], line["status"]) for line in lines] == [
            *sent,
            (None, None, 404),
        ]
        assert [line["code"] for line in lines[:3]] == [None, "OPERATION_PENDING", None]
        assert [line["endpoint"] for line in lines[:3]] == [
            "Authorize",
            "GetAccountsDetail",
            "GetAccountsDetailAsync",
        ]
        assert all(line["arrived"] <= line["answered"] <= time.time() + 1 for line in lines)

    def test_it_holds_no_secret(self, connect):
        planted = {"username": "canary-user", "account_number": "998877", "echo": "canary-echo"}
        with running_simulator(scenario="codes", logins=1, plant=planted) as simulator:
            client = connect(simulator)
            client.nightly_status()
            token = client.mint().body["Token"]
            for row in simulator.register_rows():
                client.authorize(row["login_id"], flinks_auth_key=token)
            client.call("GET", f"GetNightlyRefreshStatus?x-api-key={X_API_KEY}")
            simulator.log_lines()
            text = simulator.log.read_text()

        secrets = (BEARER, SECRET_KEY, X_API_KEY, token, *planted.values())
        assert [secret for secret in secrets if secret in text] == []

    def test_a_client_that_leaves_early_still_has_its_line(self, connect):
        with running_simulator(scenario="calm", logins=1, latency=5) as simulator:
            login_id = simulator.register_rows()[0]["login_id"]
            with socket.create_connection(("127.0.0.1", simulator.port)) as leaving:
                leaving.sendall(authorize_bytes(login_id))
                time.sleep(0.1)
            with socket.create_connection(("127.0.0.1", simulator.port)) as hasty:
                hasty.sendall(authorize_bytes(login_id)[:-5])

            deadline = time.monotonic() + 2
            while simulator.counts()["logged"] < 2 and time.monotonic() < deadline:
                time.sleep(0.02)
            lines = simulator.log_lines()

        assert [(line["endpoint"], line["status"]) for line in lines] == [("Authorize", None)] * 2
        # The second was cut in its body, so nobody can say whose it was.
        assert {line["login_id"] for line in lines} == {login_id, None}

    def test_control_calls_are_not_in_it(self, calm):
        before = calm.counts()["arrived"]

        calm.state()

        assert calm.counts()["arrived"] == before


class TestOverlap:
    def two_at_once(self, simulator, ids):
        heard = []

        def ask(login_id):
            client = Client(simulator.port)
            heard.append(client.authorize(login_id).code)
            client.close()

        threads = [threading.Thread(target=ask, args=(login_id,)) for login_id in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(heard, key=str)

    def test_two_authorize_of_one_login_meet_and_of_two_do_not(self):
        with running_simulator(scenario="calm", logins=2, latency=0.2) as simulator:
            first, second = (row["login_id"] for row in simulator.register_rows())

            assert self.two_at_once(simulator, [first, first]) == ["CONCURRENT_SESSION", None]
            assert self.two_at_once(simulator, [first, second]) == [None, None]

    def test_a_call_whose_client_left_is_over(self, connect):
        with running_simulator(scenario="calm", logins=1, latency=0.3) as simulator:
            login_id = simulator.register_rows()[0]["login_id"]
            with socket.create_connection(("127.0.0.1", simulator.port)) as leaving:
                leaving.sendall(authorize_bytes(login_id))
                time.sleep(0.1)
            time.sleep(0.05)

            assert connect(simulator).authorize(login_id).status == 200


class TestProcess:
    @pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_cleanly_even_in_mid_answer(self, signal_number):
        with running_simulator(scenario="calm", logins=1, stall_seconds=60) as simulator:
            login_id = simulator.register_rows()[0]["login_id"]
            simulator.change(login_id, faults=[{"kind": "stall"}])
            with socket.create_connection(("127.0.0.1", simulator.port)) as waiting:
                waiting.sendall(authorize_bytes(login_id))
                time.sleep(0.1)
                simulator.process.send_signal(signal_number)

                assert simulator.process.wait(timeout=5) == 0
            assert [line["status"] for line in simulator.log_lines()] == [None]

    def test_the_register_has_the_documented_header_and_is_there_when_it_is_ready(self, calm):
        header = calm.register.read_text(encoding="utf-8").splitlines()[0]

        assert (
            header == "login_id,institution,customer,customer_name,account_manager,provider,status"
        )
        assert len(calm.register_rows()) == 400
        assert {row["provider"] for row in calm.register_rows()} == {"flinks"}

    def test_keys_may_come_from_a_file(self, connect):
        keys = {"secret_key": "filed-secret", "x_api_key": "filed-key"}
        with running_simulator(scenario="calm", logins=1, keys=keys, require_token=True) as running:
            client = connect(running)
            login_id = running.register_rows()[0]["login_id"]
            without = client.authorize(login_id, x_api_key=None)
            token = client.mint(key="filed-secret").body
            minted = client.call(
                "POST",
                "GenerateAuthorizeToken",
                x_api_key=None,
                flinks_auth_key="filed-secret",
            )

        assert without.body["Message"] == "You must provide a valid authorize token"
        assert token["FlinksCode"] == "ACCESS_DENIED"
        assert minted.status == 200

    def test_the_management_command_is_the_same_program(self):
        process = subprocess.Popen(
            [sys.executable, "manage.py", "simulator", "--scenario", "calm", "--logins", "3"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            line = process.stdout.readline()
        finally:
            process.terminate()
            process.communicate(timeout=10)

        assert line.startswith("simulator listening on http://127.0.0.1:")
        assert line.endswith("/v3/\n")
        assert process.returncode == 0

    def test_many_connections_at_once_lose_nothing(self):
        with running_simulator(scenario="calm", logins=64, body_kb=4) as simulator:
            ids = [row["login_id"] for row in simulator.register_rows()]

            def ask(mine):
                client = Client(simulator.port)
                for login_id in mine:
                    client.detail(client.authorize(login_id).request_id)
                client.close()

            threads = [threading.Thread(target=ask, args=(ids[n::16],)) for n in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            lines = simulator.log_lines()

        assert len(lines) == 128
        assert {line["status"] for line in lines} == {200}

    def test_pipelined_requests_are_answered_in_order(self, calm, login_id):
        with socket.create_connection(("127.0.0.1", calm.port), timeout=5) as connection:
            connection.sendall(authorize_bytes(login_id) * 3)
            heard = b""
            while heard.count(b"HTTP/1.1 200") < 3:
                chunk = connection.recv(65536)
                assert chunk
                heard += chunk

    @pytest.mark.parametrize(
        "nonsense",
        [
            pytest.param(b"hello\r\n\r\n", id="no-request-line"),
            pytest.param(b"GET / HTTP/1.1\r\nno colon\r\n\r\n", id="no-header"),
            pytest.param(b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", id="no-length"),
        ],
    )
    def test_nonsense_is_a_bad_request(self, calm, nonsense):
        with socket.create_connection(("127.0.0.1", calm.port), timeout=5) as connection:
            connection.sendall(nonsense)

            assert connection.recv(65536).startswith(b"HTTP/1.1 400")


def test_after_a_kill_the_same_seed_brings_back_the_logins_but_no_request_id(connect, tmp_path):
    with running_simulator(scenario="morning", logins=20, seed=7, folder=tmp_path) as first:
        rows = first.register_rows()
        login_id = next(iter(first.logins(fate="success")))["login_id"]
        request_id = connect(first).authorize(login_id).request_id
        # A line follows its answer; until it is there a kill could take it along.
        assert len(first.log_lines()) == 1
        first.kill()

        with running_simulator(
            scenario="morning", logins=20, seed=7, folder=tmp_path, port=first.port
        ) as second:
            heard = connect(second).detail(request_id)
            lines = second.log_lines()

            assert second.register_rows() == rows
    assert heard.code == "SESSION_NONEXISTENT"
    assert [line["endpoint"] for line in lines] == ["Authorize", "GetAccountsDetail"]

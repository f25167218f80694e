"""Everything that can go wrong on the way, asked for by script."""

import gzip
import http.client
import time

import pytest

from refreshops.simulator.falsified import WRONG_TYPES
from refreshops.simulator.faults import AFTERWARDS, FORMS, INSTEAD, BadFault, Fault
from tests.simulation import running_simulator

pytestmark = pytest.mark.processes

BROKEN = (http.client.HTTPException, OSError)


class TestInsteadOfAnAnswer:
    def test_a_gateway_page_with_retry_after(self, calm, client, login_id):
        fault = {"kind": "status", "status": 503, "retry_after": "seconds", "times": 1}
        calm.change(login_id, faults=[fault])

        first, second = client.authorize(login_id), client.authorize(login_id)

        assert first.status == 503
        assert first.headers["content-type"].startswith("text/html")
        assert first.headers["retry-after"] == "2"
        assert second.status == 200

    def test_a_sign_in_page_with_200(self, calm, client, login_id):
        calm.change(login_id, faults=[{"kind": "html_200"}])

        heard = client.authorize(login_id)

        assert heard.status == 200
        assert b"<html>" in heard.body

    def test_json_that_ends_too_soon(self, calm, client, login_id):
        calm.change(login_id, faults=[{"kind": "invalid_json"}])

        assert isinstance(client.authorize(login_id).body, bytes)

    @pytest.mark.parametrize("form", sorted(FORMS))
    def test_json_of_a_wrong_type(self, calm, client, login_id, form):
        calm.change(login_id, faults=[{"kind": "wrong_type", "form": form}])
        client.connection.request("GET", "/_simulator/counts")
        client.connection.getresponse().read()

        path = "/v3/43387ca6-0391-4c82-857d-70d95f087ecb/BankingServices/Authorize"
        body = f'{{"LoginId":"{login_id}","MostRecentCached":true}}'
        client.connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = client.connection.getresponse()

        assert (answer.status, answer.read()) == (200, WRONG_TYPES[form])

    def test_a_redirect_that_keeps_the_method(self, calm, client, login_id):
        elsewhere = "http://127.0.0.1:9/stolen"
        fault = {"kind": "redirect", "status": 307, "location": elsewhere}
        calm.change(login_id, faults=[fault])

        heard = client.authorize(login_id)

        assert (heard.status, heard.headers["location"]) == (307, elsewhere)

    def test_a_documented_error_at_one_endpoint_only(self, calm, client, login_id):
        fault = {"kind": "code", "endpoint": "GetAccountsDetailAsync", "code": "RETRY_LATER"}
        calm.change(login_id, faults=[fault])

        request_id = client.authorize(login_id).request_id

        assert client.detail(request_id).status == 200
        assert client.poll(request_id).code == "RETRY_LATER"

    @pytest.mark.parametrize("kind", ["reset", "garbage"])
    def test_a_connection_that_breaks(self, calm, client, login_id, kind):
        calm.change(login_id, faults=[{"kind": kind, "times": 1}])

        with pytest.raises(BROKEN):
            client.authorize(login_id)

    @pytest.mark.parametrize("kind", ["stall", "slow", "endless", "endless_headers"])
    def test_an_answer_that_never_ends(self, calm, connect, login_id, kind):
        calm.change(login_id, faults=[{"kind": kind, "interval_seconds": 0.01}])
        client = connect(calm, timeout=0.2)

        def wait_for_it():
            client.connection.request("POST", *self.authorize_of(login_id))
            answer = client.connection.getresponse()
            ends_at = time.monotonic() + 0.3
            while time.monotonic() < ends_at:
                assert answer.read(1)
            raise TimeoutError

        with pytest.raises(BROKEN):
            wait_for_it()

    def authorize_of(self, login_id):
        path = "/v3/43387ca6-0391-4c82-857d-70d95f087ecb/BankingServices/Authorize"
        body = f'{{"LoginId":"{login_id}","MostRecentCached":true}}'
        return path, body, {"Content-Type": "application/json"}

    def test_a_small_gzip_body_that_unpacks_to_many_megabytes(self, calm, client, login_id):
        calm.change(login_id, faults=[{"kind": "gzip_bomb", "megabytes": 20}])

        heard = client.authorize(login_id)

        assert heard.headers["content-encoding"] == "gzip"
        assert len(heard.body) < 100_000
        assert len(gzip.decompress(heard.body)) > 20_000_000

    def test_a_huge_body(self, calm, client, login_id):
        calm.change(login_id, faults=[{"kind": "huge", "megabytes": 9}])

        assert client.authorize(login_id).headers["content-length"] == str(9 * 1024 * 1024)


class TestSpoiltAnswers:
    def test_a_cut_body(self, calm, client, login_id):
        calm.change(login_id, faults=[{"kind": "cut"}])

        with pytest.raises(http.client.IncompleteRead):
            client.authorize(login_id)

    def test_no_request_id(self, calm, client, login_id):
        calm.change(login_id, faults=[{"kind": "no_request_id"}])

        heard = client.authorize(login_id)

        assert heard.status == 200
        assert "RequestId" not in heard.body

    @pytest.mark.parametrize("endpoint", ["Authorize", "GetAccountsDetail"])
    def test_somebody_elses_login(self, calm, client, login_id, endpoint):
        calm.change(login_id, faults=[{"kind": "wrong_login", "endpoint": endpoint}])

        first = client.authorize(login_id)
        second = client.detail(first.request_id)

        strange = {"Authorize": first, "GetAccountsDetail": second}.pop(endpoint)
        assert strange.status == 200
        assert strange.body["Login"]["Id"] != login_id

    def test_a_body_that_contradicts_its_status(self, calm, client, login_id):
        calm.change(login_id, faults=[{"kind": "status_mismatch"}])

        heard = client.authorize(login_id)

        assert heard.status == 200
        assert (heard.body["HttpStatusCode"], heard.code) == (401, "RETRY_LATER")

    @pytest.mark.parametrize(
        ("kind", "still_on"),
        [
            pytest.param("do_then_stall", False, id="done-then-silent"),
            pytest.param("do_then_reset", False, id="done-then-reset"),
            pytest.param("stall", True, id="silent-and-not-done"),
            pytest.param("reset", True, id="reset-and-not-done"),
        ],
    )
    def test_a_switch_whose_answer_is_lost(self, calm, connect, login_id, kind, still_on):
        fault = {"kind": kind, "endpoint": "SetScheduledRefresh", "times": 1}
        calm.change(login_id, faults=[fault])

        with pytest.raises(BROKEN):
            connect(calm, timeout=0.2).switch({"LoginId": login_id, "IsActivated": False})

        assert connect(calm).authorize(login_id).body["Login"]["IsScheduledRefresh"] is still_on


class TestScripts:
    def test_faults_for_everybody_come_and_go(self, connect):
        fault = {"kind": "status", "status": 500, "times": 2}
        with running_simulator(scenario="calm", logins=2, faults=[fault]) as simulator:
            client = connect(simulator)
            login_id = simulator.register_rows()[0]["login_id"]
            scripted = [client.authorize(login_id).status for _ in range(3)]

            simulator.faults({"kind": "status", "status": 504})
            asked_for = client.authorize(login_id).status
            simulator.faults()
            ended = client.authorize(login_id).status

        assert (scripted, asked_for, ended) == ([500, 500, 200], 504, 200)

    @pytest.mark.parametrize(
        "script",
        [
            pytest.param("cut", id="no-object"),
            pytest.param({"kind": "meteor"}, id="unknown-kind"),
            pytest.param({"kind": "cut", "endpoint": "Elsewhere"}, id="unknown-endpoint"),
            pytest.param({"kind": "wrong_type", "form": "poem"}, id="unknown-form"),
        ],
    )
    def test_a_script_that_cannot_be_meant(self, script):
        with pytest.raises(BadFault):
            Fault.from_json(script)

    def test_a_script_reads_back_as_it_was(self):
        for kind in sorted(INSTEAD | AFTERWARDS):
            fault = Fault.from_json({"kind": kind, "times": 3, "seconds": 2})

            assert Fault.from_json(fault.to_json()) == fault

    def test_every_wrong_form_has_a_body(self):
        assert set(WRONG_TYPES) == FORMS

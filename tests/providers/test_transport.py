"""The transport against raw sockets: every fault of the wire is a typed absence, in time."""

import contextlib
import gzip
import json
import logging
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
import zlib

import pytest

from refreshops.providers.contract import NoAnswer, UnreadableAnswer
from refreshops.providers.transport import Transport, checked_base_url
from tests.providers.raw_server import drip_body, http, raw_server

CANARY = "canary-key-7f3a"


def exchange(url, *, path="Authorize", deadline_s=5.0, connect_timeout_s=2.0, **changes):
    transport = Transport(base_url=url, connect_timeout_s=connect_timeout_s)
    return send(transport, path=path, deadline_s=deadline_s, **changes)


def send(transport, *, path="Authorize", deadline_s=5.0, body=None, secrets=()):
    return transport.exchange(
        method="POST",
        path=path,
        headers={"x-api-key": CANARY},
        body=body or {"LoginId": "f427f369"},
        deadline_s=deadline_s,
        secrets=secrets,
    )


class TestAnswers:
    def test_it_returns_status_body_headers_and_time(self):
        said = http(b'{"a": 1}', status="429 Slow", headers="Retry-After: 7\r\nSet-Cookie: a=b\r\n")
        with raw_server(said) as server:
            answer = exchange(server.url)

        assert (answer.http_status, answer.body) == (429, {"a": 1})
        assert answer.headers == {"retry-after": "7"}
        assert answer.elapsed_ms >= 0

    def test_it_asks_for_gzip_only_and_sends_the_body_as_json(self):
        with raw_server(http(b"{}")) as server:
            exchange(server.url, body={"LoginId": "é"})

        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /v3/Authorize HTTP/1.1")
        assert b"Accept-Encoding: gzip\r\n" in head
        assert b"x-api-key: " + CANARY.encode() in head
        assert body == b'{"LoginId": "\\u00e9"}'

    def test_it_unpacks_gzip(self):
        packed = gzip.compress(b'{"a": [1, 2]}')
        with raw_server(http(packed, headers="Content-Encoding: gzip\r\n")) as server:
            assert exchange(server.url).body == {"a": [1, 2]}

    def test_it_reads_chunked_answers(self):
        chunks = b"4\r\n[1, \r\n2\r\n2]\r\n0\r\n\r\n"
        said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
        with raw_server(said) as server:
            assert exchange(server.url).body == [1, 2]

    @pytest.mark.parametrize(
        ("raw", "body"),
        [
            pytest.param(b'\xef\xbb\xbf{"a": 1}', {"a": 1}, id="byte-order-mark"),
            pytest.param('{"a": "é"}'.encode("latin-1"), {"a": "é"}, id="latin-1"),
            pytest.param(b'"activated"', "activated", id="bare-string"),
            pytest.param(b"null", None, id="null"),
            pytest.param(b" [1]\r\n", [1], id="surrounding-space"),
            pytest.param(b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64), id="64-levels"),
            pytest.param(b"[" + b"[{}]," * 99 + b"[]]", [[{}]] * 99 + [[]], id="many-beside"),
            pytest.param(b"[1e308, -0.0, 1E-999]", [1e308, 0.0, 0.0], id="numbers-at-the-edge"),
        ],
    )
    def test_it_tolerates(self, raw, body):
        with raw_server(http(raw, headers="Content-Type: text/plain\r\n")) as server:
            assert exchange(server.url).body == body

    def test_it_takes_no_body_where_the_status_promises_none(self):
        with raw_server(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
            assert exchange(server.url).body is None

    def test_it_keeps_one_connection_and_no_cookies(self):
        with raw_server(http(b"{}", headers="Set-Cookie: a=b; Path=/\r\n")) as server:
            transport = Transport(base_url=server.url)
            for _ in range(3):
                send(transport)

        assert server.connections == 1
        assert not any(b"Cookie" in request for request in server.requests)

    def test_it_keeps_a_connection_for_each_thread(self):
        with raw_server(http(b"{}")) as server:
            transport = Transport(base_url=server.url)
            threads = [threading.Thread(target=send, args=(transport,)) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert server.connections == 2

    def test_it_ignores_the_environment(self, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
        monkeypatch.setenv("NO_PROXY", "")

        with raw_server(http(b"{}")) as server:
            assert exchange(server.url).body == {}


class TestUnreadableAnswers:
    @pytest.mark.parametrize(
        ("raw", "detail"),
        [
            pytest.param(b"<html><b>502</b></html>", "HTML instead of JSON", id="html"),
            pytest.param(b"", "empty answer", id="empty"),
            pytest.param(b'{"a": ', "not valid JSON", id="invalid"),
            pytest.param(b'{"a": NaN}', "not valid JSON", id="nan"),
            pytest.param(b'{"a": -Infinity}', "not valid JSON", id="infinity"),
            pytest.param(b'{"a": 1, "a": 2}', "not valid JSON", id="key-twice"),
            pytest.param(b'{"a": 1} x', "not valid JSON", id="rest"),
            pytest.param(b"[" * 100_000, "JSON nested too deeply", id="deep"),
            pytest.param(b"[" * 500 + b"]" * 500, "JSON nested too deeply", id="480-to-985"),
            pytest.param(b"[" * 65 + b"]" * 65, "JSON nested too deeply", id="65-lists"),
            pytest.param(
                b'{"a":\t' * 64 + b"[]" + b"}" * 64, "JSON nested too deeply", id="65-objects"
            ),
            pytest.param(
                b'[{"]": ' * 33 + b"1" + b', "[": "{"}]' * 33, "JSON nested too deeply", id="mixed"
            ),
            pytest.param(b'{"a": 1e999}', "not valid JSON", id="a-number-too-large"),
            pytest.param(b"[-1e999]", "not valid JSON", id="a-number-too-small"),
            pytest.param(b"-" + b"9" * 4301, "not valid JSON", id="a-whole-number-too-long"),
            pytest.param(b"9" * 5000, "not valid JSON", id="absurd-number"),
            pytest.param('{"a": 1}'.encode("utf-16"), "not valid JSON", id="utf-16"),
        ],
    )
    def test_it_refuses_a_body(self, raw, detail):
        with (
            raw_server(http(raw, status="200 OK")) as server,
            pytest.raises(UnreadableAnswer) as caught,
        ):
            exchange(server.url)

        assert caught.value.detail == detail
        assert caught.value.http_status == 200

    def test_it_keeps_the_status_and_a_clean_excerpt_of_an_error_page(self):
        page = (
            f"<html><script>var k='{CANARY}'</script><h1>Bad   gateway</h1>"
            f"<p>key {CANARY} card 4520123456789012</p>" + "<p>word </p>" * 5000
        )
        with (
            raw_server(http(page.encode(), status="502 Bad Gateway")) as server,
            pytest.raises(UnreadableAnswer) as caught,
        ):
            exchange(server.url, secrets=(CANARY,))

        assert caught.value.http_status == 502
        assert caught.value.excerpt.startswith("Bad gateway key [hidden] card [number] word")
        assert len(caught.value.excerpt.encode()) <= 2048

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
    def test_it_does_not_follow_a_redirect(self, status):
        with raw_server(http(b"{}")) as elsewhere:
            moved = http(b"{}", status=status, headers=f"Location: {elsewhere.url}\r\n")
            with raw_server(moved) as server, pytest.raises(UnreadableAnswer) as caught:
                exchange(server.url)

        assert "redirected" in caught.value.detail
        assert caught.value.http_status == int(status[:3])
        assert elsewhere.requests == []

    @pytest.mark.parametrize(
        "location", [b"\x00", b"/caf\xe9", b"http://[::1", b"\xff\xfe://\x80"], ids=repr
    )
    def test_a_redirect_to_nonsense_is_a_redirect(self, location):
        head = b"HTTP/1.1 302 Found\r\nContent-Length: 2\r\nLocation: " + location
        with (
            raw_server(head + b"\r\n\r\n{}") as server,
            pytest.raises(UnreadableAnswer) as caught,
        ):
            exchange(server.url)

        assert "redirected" in caught.value.detail

    @pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip"])
    def test_it_refuses_an_encoding_it_did_not_ask_for(self, encoding):
        said = http(b"xxxx", headers=f"Content-Encoding: {encoding}\r\n")
        with raw_server(said) as server, pytest.raises(UnreadableAnswer) as caught:
            exchange(server.url)

        assert "packed" in caught.value.detail

    @pytest.mark.parametrize(
        "packed",
        [
            pytest.param(b"not gzip at all", id="not-gzip"),
            pytest.param(gzip.compress(b'{"a": 1}' * 100)[:-20], id="cut"),
        ],
    )
    def test_it_refuses_damaged_gzip(self, packed):
        said = http(packed, headers="Content-Encoding: gzip\r\n")
        with raw_server(said) as server, pytest.raises(UnreadableAnswer):
            exchange(server.url)

    def test_it_stops_reading_an_endless_answer(self):
        def endless(sock):
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                sock.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

        with raw_server(endless) as server, pytest.raises(UnreadableAnswer) as caught:
            exchange(server.url, deadline_s=20)

        assert caught.value.detail == "answer larger than 8 MB"


MEASURED_IN_A_CHILD = r"""
import re, sys
from refreshops.providers.contract import UnreadableAnswer
from refreshops.providers.transport import Transport
transport = Transport(base_url=sys.argv[1])
def peak_kb():
    # Not ru_maxrss: that begins with the peak of the process that started this one.
    return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
def ask(path):
    try:
        transport.exchange(method="POST", path=path, headers={}, body={}, deadline_s=20)
    except UnreadableAnswer as refused:
        return refused.detail
ask("small")
before = peak_kb()
detail = ask("large")
print(peak_kb() - before, detail)
"""


def gzip_bomb(megabytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    piece = b" " * 1024 * 1024
    return b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()


# Without our settings, which quieten urllib3 as well.
LOGGED_IN_A_CHILD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
logging.debug("began")
from refreshops.providers.transport import Transport
Transport(base_url=sys.argv[1]).exchange(
    method="POST", path=sys.argv[2], headers={}, body={}, deadline_s=20
)
"""


def run_in_a_child(script, *args):
    return subprocess.run(
        [sys.executable, "-c", script, *args],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )


PACKED = "Content-Encoding: gzip\r\n"
TOO_LARGE = "answer larger than 8 MB"
MOVED = "redirected to another address; not followed"


@pytest.mark.parametrize(
    ("large", "refusal"),
    [
        pytest.param(http(gzip_bomb(100), headers=PACKED), TOO_LARGE, id="gzip-bomb-100-mb"),
        pytest.param(http(b" " * 40 * 1024 * 1024), TOO_LARGE, id="plain-40-mb"),
        pytest.param(
            http(gzip_bomb(100), status="302 Found", headers=PACKED + "Location: /x\r\n"),
            MOVED,
            id="redirect-with-a-gzip-bomb",
        ),
    ],
)
def test_memory_stays_flat_against_a_large_answer(large, refusal):
    said = iter([http(b"{}"), large])
    with raw_server(lambda sock: sock.sendall(next(said))) as server:
        printed = run_in_a_child(MEASURED_IN_A_CHILD, server.url).stdout
    grown_kb, _, detail = printed.strip().partition(" ")

    assert detail == refusal
    assert int(grown_kb) < 20 * 1024


def drip_headers(sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(60):
        sock.sendall(b"X-%d: y\r\n" % number)
        time.sleep(0.05)


def drip_chunks(sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(60):
        sock.sendall(b"1\r\n \r\n")
        time.sleep(0.05)


def drip_continues(sock):
    for _ in range(60):
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)


def stall_in_body(sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")
    time.sleep(3)


def begin_late_and_stall(sock):
    time.sleep(0.3)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")
    time.sleep(3)


def say_nothing(sock):
    time.sleep(3)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class TestNoAnswer:
    @pytest.mark.parametrize(
        "script",
        [drip_headers, drip_body, drip_chunks, drip_continues, stall_in_body, say_nothing],
    )
    def test_the_deadline_holds_against(self, script):
        started = time.monotonic()

        with raw_server(script) as server, pytest.raises(NoAnswer) as caught:
            exchange(server.url, deadline_s=0.4)

        assert caught.value.detail == "out of time"
        assert 0.3 < time.monotonic() - started < 1.4
        assert 300 < caught.value.elapsed_ms < 1400

    def test_time_spent_on_headers_is_not_given_again_to_the_body(self):
        with raw_server(begin_late_and_stall) as server, pytest.raises(NoAnswer) as caught:
            exchange(server.url, deadline_s=0.4)

        assert 300 < caught.value.elapsed_ms < 600

    @pytest.mark.parametrize(
        ("script", "detail"),
        [
            pytest.param(reset, "connection reset", id="reset"),
            pytest.param(
                lambda sock: sock.close(), "connection closed without an answer", id="closed"
            ),
            pytest.param(
                lambda sock: (
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"),
                    sock.close(),
                ),
                "answer cut off",
                id="half-body",
            ),
            pytest.param(
                lambda sock: (
                    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}"),
                    sock.close(),
                ),
                "answer cut off",
                id="half-chunk",
            ),
            pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", "not an HTTP answer", id="not-http"),
            pytest.param(
                b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
                "not an HTTP answer",
                id="too-many-headers",
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "answer cut off",
                id="bad-chunk",
            ),
        ],
    )
    def test_it_names_the_cause(self, script, detail):
        with raw_server(script) as server, pytest.raises(NoAnswer) as caught:
            exchange(server.url)

        assert caught.value.detail == detail

    def test_it_names_a_refused_connection(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]

        with pytest.raises(NoAnswer) as caught:
            exchange(f"http://127.0.0.1:{port}/")

        assert caught.value.detail == "connection refused"

    def test_it_names_an_unknown_host(self, monkeypatch):
        def unknown(*args, **kwargs):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)

        with pytest.raises(NoAnswer) as caught:
            exchange("https://bank.invalid/v3/")

        assert caught.value.detail == "name not found (DNS)"

    def test_it_gives_up_connecting_in_time(self):
        with contextlib.ExitStack() as stack:
            # A full backlog: the kernel drops further connection requests.
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listening.getsockname())

            with pytest.raises(NoAnswer) as caught:
                exchange(f"http://127.0.0.1:{listening.getsockname()[1]}/", connect_timeout_s=0.3)

        assert caught.value.detail == "no connection in time"

    def test_nothing_it_raises_or_logs_names_the_address_or_a_key(self, caplog):
        caplog.set_level(logging.DEBUG)

        with raw_server(lambda sock: sock.close()) as server, pytest.raises(NoAnswer) as caught:
            exchange(server.url, path=f"{CANARY}/Authorize", body={"Password": CANARY})

        told = "".join(traceback.format_exception(caught.value, chain=True))
        assert caught.value.__context__ is None
        assert CANARY not in told
        assert CANARY not in caplog.text

    def test_an_odd_header_does_not_put_the_address_into_the_log(self):
        odd = http(b"{}", headers="X: y\r\nno colon here\r\n")

        with raw_server(odd) as server:
            logged = run_in_a_child(LOGGED_IN_A_CHILD, server.url, CANARY).stderr

        assert "began" in logged
        assert CANARY not in logged

    def test_a_failed_exchange_does_not_spoil_the_next(self):
        said = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", http(b'{"a": 1}')])

        def script(sock):
            answer = next(said)
            sock.sendall(answer)
            if b"99" in answer:
                sock.close()

        with raw_server(script) as server:
            transport = Transport(base_url=server.url)
            with pytest.raises(NoAnswer):
                send(transport)

            assert send(transport).body == {"a": 1}


class TestTls:
    def test_a_certificate_nobody_vouches_for_is_refused(self, tls_server):
        with pytest.raises(NoAnswer) as caught:
            exchange(tls_server.url)

        assert caught.value.detail == "TLS: self-signed certificate"
        assert tls_server.requests == []

    def test_a_trusted_certificate_is_accepted(self, tls_server):
        transport = Transport(base_url=tls_server.url, ca=tls_server.ca)

        assert send(transport).body == {"a": 1}

    def test_a_certificate_for_another_host_is_refused(self, tls_server):
        url = tls_server.url.replace("localhost", "127.0.0.1")
        transport = Transport(base_url=url, ca=tls_server.ca)

        with pytest.raises(NoAnswer) as caught:
            send(transport)

        assert caught.value.detail.startswith("TLS: IP address mismatch")

    def test_the_deadline_holds_against_a_slow_body(self, slow_tls_server):
        transport = Transport(base_url=slow_tls_server.url, ca=slow_tls_server.ca)

        with pytest.raises(NoAnswer) as caught:
            send(transport, deadline_s=0.4)

        assert caught.value.detail == "out of time"
        assert caught.value.elapsed_ms < 1400

    def test_a_server_that_does_not_speak_tls_is_no_answer(self):
        def slam(sock):
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            sock.close()

        with socket.create_server(("127.0.0.1", 0)) as listening:
            threading.Thread(target=lambda: slam(listening.accept()[0]), daemon=True).start()
            with pytest.raises(NoAnswer) as caught:
                exchange(f"https://127.0.0.1:{listening.getsockname()[1]}/", deadline_s=2)

        assert caught.value.detail in ("TLS failed", "connection reset")

    def test_a_missing_ca_file_is_refused_at_once(self):
        with pytest.raises(ValueError, match="CA file"):
            Transport(base_url="https://x.ca/", ca="/nowhere/ca.pem")


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "https://acme-api.private.fin.ag/v3/",
            "http://127.0.0.1:8099/v3/",
            "http://localhost:8099/v3/",
            "http://[::1]:8099/v3/",
        ],
    )
    def test_it_takes(self, url):
        assert checked_base_url(url) == url

    def test_it_ends_an_address_in_a_slash(self):
        assert checked_base_url("https://x.ca/v3") == "https://x.ca/v3/"

    @pytest.mark.parametrize(
        "url",
        [
            "http://acme-api.private.fin.ag/v3/",
            "http://169.254.169.254/v3/",
            "http://localhost.evil.example/v3/",
            "file:///etc/passwd",
            "https:///v3/",
            "acme-api.private.fin.ag/v3/",
            "https://me:secret@x.ca/v3/",
            "https://x.ca/v3/?key=secret",
            "https://x.ca/v3/#here",
            "https://x.ca:port/v3/",
            "https://[::1/v3/",
            "",
        ],
    )
    def test_it_refuses_in_one_sentence_that_repeats_nothing(self, url):
        with pytest.raises(ValueError, match=r"^The provider's address .*\.$") as caught:
            Transport(base_url=url)

        assert "secret" not in str(caught.value)

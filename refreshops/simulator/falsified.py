"""What a fault makes of an answer: the pages and bodies no document shows."""

import json
from typing import Any

from refreshops.simulator.faults import Fault
from refreshops.simulator.identifiers import new_guid
from refreshops.simulator.messages import Reply, json_reply

HTML = "text/html; charset=utf-8"
RETRY_AFTER = {
    "seconds": "2",
    "date": "Fri, 31 Dec 2100 23:59:59 GMT",
    "absurd": "999999999",
    "nonsense": "soon",
}
_DEPTH = 10_000
WRONG_TYPES: dict[str, bytes] = {
    "list": b'[{"HttpStatusCode":200}]',
    "number": b"200",
    "null": b"null",
    "string": b'"OK"',
    "true": b"true",
    "nan": b'{"HttpStatusCode":NaN,"RequestId":"x"}',
    "deep": b'{"Login":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}",
    "empty": b"",
    "bom": b'\xef\xbb\xbf{"HttpStatusCode":200}',
    "latin1": '{"HttpStatusCode":200,"Message":"Caisse Gen\u00e8ve"}'.encode("latin-1"),
    "huge_number": b'{"HttpStatusCode":' + b"9" * 5000 + b"}",
    "wrong_fields": b'{"HttpStatusCode":"200","RequestId":17,"Login":[],"Institution":{}}',
}


def instead_of_answer(fault: Fault, *, stall_seconds: float) -> Reply:
    """Return what is sent in place of an answer for a fault of the INSTEAD kinds."""
    details = fault.details
    match fault.kind:
        case "status":
            return _gateway_page(int(details.get("status", 502)), details.get("retry_after"))
        case "code":
            return documented_error(details)
        case "html_200":
            return Reply(200, _page("Sign in", "Your session has ended."), content_type=HTML)
        case "invalid_json":
            return Reply(200, b'{"HttpStatusCode":200,"Login":{"Username":')
        case "wrong_type":
            return Reply(200, WRONG_TYPES[details.get("form", "list")])
        case "redirect":
            location = str(details.get("location", "http://127.0.0.1:9/elsewhere"))
            return Reply(int(details.get("status", 302)), b"", headers={"Location": location})
        case "stall":
            return Reply(0, b"", delivery="stall", details={"seconds": stall_seconds, **details})
        case kind:
            return Reply(200, b"", delivery=kind, details=details)


def falsify(reply: Reply, fault: Fault, *, stall_seconds: float) -> Reply:
    """Return the answer spoilt by a fault of the AFTERWARDS kinds."""
    details = fault.details
    match fault.kind:
        case "no_request_id":
            return _with(reply, RequestId=None)
        case "wrong_login":
            return _of_somebody_else(reply)
        case "status_mismatch":
            code = details.get("code", "RETRY_LATER")
            spoilt = _with(reply, HttpStatusCode=details.get("body_status", 401), FlinksCode=code)
            spoilt.code = code
            spoilt.status = int(details.get("http_status", spoilt.status))
            return spoilt
        case "duplicate_keys":
            reply.body = reply.body.replace(b"{", b'{"HttpStatusCode":500,', 1)
        case "do_then_stall":
            reply.delivery, reply.details = "stall", {"seconds": stall_seconds, **details}
        case "do_then_reset":
            reply.delivery = "reset"
        case kind:
            reply.delivery, reply.details = kind, details
    return reply


def documented_error(details: dict[str, Any]) -> Reply:
    """Return an error in the documented form from `status`, `code`, `message`, `retry_after`."""
    status, code = int(details.get("status", 401)), details.get("code", "TOO_MANY_REQUESTS")
    body = {"HttpStatusCode": status, "FlinksCode": code}
    if details.get("message") is not None:
        body["Message"] = details["message"]
    return json_reply(status, body, code=code, headers=retry_after(details.get("retry_after")))


def retry_after(form: object) -> dict[str, str]:
    """Return the header for a form (seconds, date, absurd, nonsense) or a literal value."""
    if form in (None, "none"):
        return {}
    return {"Retry-After": RETRY_AFTER.get(str(form), str(form))}


def _with(reply: Reply, **changes: Any) -> Reply:
    value = json.loads(reply.body)
    if not isinstance(value, dict):
        return reply
    for key, change in changes.items():
        if change is None:
            value.pop(key, None)
        else:
            value[key] = change
    reply.body = json.dumps(value, ensure_ascii=False).encode()
    return reply


def _of_somebody_else(reply: Reply) -> Reply:
    value = json.loads(reply.body)
    if isinstance(value, dict) and isinstance(value.get("Login"), dict):
        value["Login"]["Id"] = new_guid()
        reply.body = json.dumps(value, ensure_ascii=False).encode()
    return reply


def _gateway_page(status: int, retry_after_form: object) -> Reply:
    page = _page(f"{status} Server Error", "The web server reported a gateway error.")
    return Reply(status, page, content_type=HTML, headers=retry_after(retry_after_form))


def _page(title: str, text: str) -> bytes:
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head>"
        f"<body><h1>{title}</h1><p>{text}</p><hr><i>nginx</i></body></html>\r\n"
    ).encode()

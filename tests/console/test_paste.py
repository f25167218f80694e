"""A pasted or uploaded list: what it names, as far as the reader may know, then the usual order."""

import csv
import io
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.logins.pasted import Ends
from refreshops.routine.models import Attempt, Run
from tests.builders import make_customer, make_login, make_logins
from tests.console.test_orders import LIST, confirmed

PASTE = "/logins/login/list/"


def pasted(client, words, *, order="switch_off", **fields):
    return client.post(PASTE, {"order": order, "words": words, **fields})


def gone_on(client, page):
    """Press "Go on" on the preview: the usual confirmation page."""
    form = {
        "action": page.context["kind"].action,
        "select_across": "0",
        "_selected_action": page.context["found"].keys[0],
        "rows": page.context["keys"],
    }
    return client.post(LIST, form)


def proven_off(**fields):
    seen = {"nightly": Nightly.OFF, "nightly_verified_at": timezone.now()}
    return make_login(status=LoginStatus.INACTIVE, **seen, **fields)


@pytest.mark.parametrize(
    ("name", "status", "orders"),
    [
        ("ops", 200, ["switch_off", "switch_on", "check_schedule"]),
        ("manager", 200, ["switch_off", "switch_on", "check_schedule"]),
        ("auditor", 403, []),
        ("nobody", 403, []),
    ],
)
def test_only_who_may_order_may_give_a_list(signed_in, register, name, status, orders):
    client = signed_in(name)

    page = client.get(PASTE)

    assert page.status_code == status
    assert client.post(PASTE, {"words": "x"}).status_code == status
    if orders:
        assert [kind.action for kind in page.context["kinds"]] == orders


@pytest.mark.parametrize("name", ["ops", "manager", "auditor"])
@pytest.mark.parametrize("listing", [LIST, "/logins/customer/"])
def test_the_lists_lead_to_it_who_may_go_there(signed_in, register, name, listing):
    page = signed_in(name).get(listing).content.decode()

    assert (f'href="{PASTE}"' in page) is (name != "auditor")


def test_a_manager_s_list_of_forty(signed_in, register, people):
    own = [make_customer(f"M-{n}", account_manager=people["manager"]) for n in range(30)]
    for customer in own:
        make_login(customer=customer)
    proven_off(customer=make_customer("M-OFF", account_manager=people["manager"]))
    words = [row.reference for row in own] + ["M-OFF", "M-0", "M-1", "nobody", "FOR-1"]
    words += [register.foreign.login_id, str(uuid.uuid4()), "M-2", register.own.login_id, "nowhere"]
    client = signed_in("manager")

    page = pasted(client, "\n".join(words))

    assert len(words) == 40
    assert page.context["found"].counts == {
        Ends.FOUND: 31,
        Ends.ALREADY: 1,
        Ends.EMPTY: 0,
        Ends.DUPLICATE: 3,
        Ends.UNKNOWN: 5,
    }
    confirmed(client, gone_on(client, page), reason="They left us")
    run = Run.objects.get(purpose="switch_off")
    assert (run.planned, run.reason, run.opened_by) == (31, "They left us", people["manager"])


def test_what_is_not_theirs_reads_like_what_is_not_there(signed_in, register):
    client = signed_in("manager")

    foreign = pasted(client, f"{register.foreign.login_id} FOR-1")
    absent = pasted(client, f"{uuid.uuid4()} ABS-1")

    def parts(page):
        return [(part.title, part.words, part.count) for part in page.context["parts"]]

    assert parts(foreign) == parts(absent)
    assert ("Unknown, or not yours", 2) in [row[::2] for row in parts(foreign)]
    assert "Birch Steel" not in foreign.content.decode()
    assert foreign.context["keys"] == ""


def test_who_sees_everything_reads_unknown(signed_in, register):
    titles = [part.title for part in pasted(signed_in("ops"), "nobody").context["parts"]]

    assert titles == ["Found", "Unknown"]


@pytest.mark.parametrize(
    ("order", "ends"),
    [
        pytest.param("switch_off", Ends.FOUND, id="on-already-is-no-matter-for-off"),
        pytest.param("switch_on", Ends.ALREADY, id="on-already"),
        pytest.param("check_schedule", Ends.FOUND, id="a-look-leaves-nobody-out"),
    ],
)
def test_what_counts_as_done_hangs_on_the_order(signed_in, register, order, ends):
    login = make_login(nightly=Nightly.ON)

    page = pasted(signed_in("ops"), login.login_id, order=order)

    assert page.context["found"].words[0].ends is ends


def test_the_confirmation_carries_exactly_the_rows_found(signed_in, register):
    logins = make_logins(3)
    client = signed_in("ops")
    page = pasted(client, "\n".join(login.login_id for login in logins[:2]), order="check_schedule")

    question = gone_on(client, page)
    confirmed(client, question, reason="")

    assert dict(question.context["question"].facts)["Chosen"] == "2"
    planned = set(Attempt.objects.filter(purpose="check_schedule").values_list("login", flat=True))
    assert planned == {login.pk for login in logins[:2]}


def test_a_long_list_carries_its_rows_whatever_the_filter_could(signed_in, people, monkeypatch):
    monkeypatch.setattr("refreshops.console.order_pages.IDS_CARRIED", 2)
    logins = make_logins(5)
    client = signed_in("ops")
    page = pasted(client, " ".join(login.login_id for login in logins[:4]))

    confirmed(client, gone_on(client, page), reason="Left")

    assert Run.objects.get().planned == 4


def test_foreign_rows_put_into_the_form_are_no_rows(signed_in, register):
    client = signed_in("manager")
    page = pasted(client, "OWN-1")
    form = {"action": "switch_off", "_selected_action": page.context["found"].keys[0]}

    question = client.post(LIST, {**form, "rows": f"{register.own.pk},{register.foreign.pk},x,²"})

    assert dict(question.context["question"].facts)["Chosen"] == "1"
    assert "Birch Steel" not in question.content.decode()


def test_an_uploaded_file_goes_before_the_text(signed_in, register):
    file = SimpleUploadedFile("list.csv", "\ufeffreference,name\r\nOWN-1,Maple\r\n".encode())

    page = pasted(signed_in("ops"), "nobody", file=file)

    assert [(word.line, word.text) for word in page.context["found"].words] == [(2, "OWN-1")]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        pytest.param(b"PK\x03\x04...", "spreadsheet", id="xlsx"),
        pytest.param("OWN-1".encode("utf-16"), "UTF-16", id="utf-16"),
        pytest.param(b"\0\0", "NUL", id="nul"),
        pytest.param(b"   ", "empty", id="blank"),
    ],
)
def test_a_file_that_is_no_list_is_refused_and_the_text_kept(signed_in, register, raw, why):
    page = pasted(signed_in("ops"), "OWN-1", file=SimpleUploadedFile("list", raw))

    assert page.status_code == 400
    assert why in page.content.decode()
    assert page.context["text"] == "OWN-1"


@pytest.mark.parametrize("words", ["", " \n,", "x\0y"])
def test_a_text_that_is_no_list_is_refused(signed_in, register, words):
    page = pasted(signed_in("ops"), words)

    assert page.status_code == 400
    assert page.context["error"]


def test_the_whole_match_can_be_downloaded(signed_in, register):
    client = signed_in("manager")

    answer = pasted(client, "OWN-1\nOWN-1\nFOR-1\n=1+1", answer="csv")

    table = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert answer["Content-Disposition"].startswith("attachment")
    assert table[0] == ["line", "word", "match", "logins", "done_already", "as_on_line"]
    assert [row[:3] for row in table[1:]] == [
        ["1", "OWN-1", "Found"],
        ["2", "OWN-1", "Duplicate"],
        ["3", "FOR-1", "Unknown, or not yours"],
        ["4", "'=1+1", "Unknown, or not yours"],
    ]


def test_the_preview_shows_the_first_hundred_of_a_class(signed_in, register):
    page = pasted(signed_in("ops"), "\n".join(f"nobody-{n}" for n in range(130)))

    unknown = page.context["parts"][-1]
    assert (unknown.count, len(unknown.rows), unknown.not_shown) == (130, 100, 30)
    assert "nobody-129" not in page.content.decode().split("<h2>The list</h2>")[0]


def test_markup_in_a_list_is_shown_and_never_run(signed_in, register):
    page = pasted(signed_in("ops"), "<script>alert(1)</script>").content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_giving_a_list_changes_nothing(signed_in, register):
    pasted(signed_in("ops"), "OWN-1")

    assert Login.objects.get(pk=register.own.pk).status == LoginStatus.ACTIVE
    assert not Run.objects.exclude(origin="daily").exists()


def test_a_preview_costs_few_queries(signed_in, people, django_assert_max_num_queries):
    for number in range(150):
        make_login(customer=make_customer(f"C-{number}"))
    client = signed_in("ops")

    with django_assert_max_num_queries(16):
        pasted(client, "\n".join(f"C-{number}" for number in range(300)))


def test_too_long_a_paste_is_refused_with_a_page_and_fits_as_a_file(signed_in, register):
    client = signed_in("ops")
    client.raise_request_exception = False
    words = "\n".join(str(uuid.UUID(int=n)) for n in range(80_000))

    page = pasted(client, "", file=SimpleUploadedFile("list.txt", words.encode()))

    assert pasted(client, words).status_code == 413
    assert page.context["found"].counts[Ends.UNKNOWN] == 80_000
    assert len(page.content) < 200_000

"""Mails and their texts in the browser: read, tried again, changed, shown, tested."""

import pytest
from django.contrib.messages import get_messages
from django_q.models import OrmQ

from refreshops.connect import courier, letter_texts, letters, links
from refreshops.connect.letter_words import OURS
from refreshops.logins.models import Letter, LetterKind, LetterText
from refreshops.tracing.models import Event
from tests.builders import NOON
from tests.connect.mailing import Mailer, make_case, make_letter, make_link, send
from tests.console.conftest import page_of

pytestmark = pytest.mark.django_db

LIST = "/logins/letter/"
TEXTS = "/logins/lettertext/"


@pytest.fixture
def text():
    letter_texts.ensure_texts()
    return LetterText.objects.get(kind="reconnect", language="en")


def said(answer):
    return " ".join(str(row) for row in get_messages(answer.wsgi_request))


def again(client, *chosen, **fields):
    form = {"action": "send_again", "_selected_action": [row.pk for row in chosen]}
    return client.post(LIST, {**form, **fields})


# --- The list ---


def test_the_list_says_who_and_what_became_of_it_and_shows_no_link(signed_in):
    letter = make_letter()
    send(Mailer(away=OSError()))

    client = signed_in("auditor")
    pages = [client.get(address).content.decode() for address in (LIST, page_of(letter))]

    token = links.token_of(letter.link)
    for page in pages:
        assert "c1@customers.example" in page
        assert "queued" in page
        assert "could not be reached" in page
        assert token.partition(".")[0] not in page
        assert token.rpartition(".")[2] not in page


def test_a_long_list_asks_no_more_than_a_short_one(signed_in, django_assert_max_num_queries):
    for number in range(30):
        make_letter(number)
    client = signed_in("ops")

    with django_assert_max_num_queries(8):
        page = client.get(f"{LIST}?state__exact=queued").content.decode()

    assert page.count("customers.example") == 30


def test_the_list_says_where_mails_lie_that_are_sent_to_nobody(signed_in, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    written = str(tmp_path) in signed_in("ops").get(LIST).content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

    assert written
    assert "do not leave" not in signed_in("ops").get(LIST).content.decode()


def test_account_managers_read_what_became_of_a_mail_on_their_cases_alone(signed_in):
    make_letter()

    assert signed_in("manager").get(LIST).status_code == 403


# --- Failed ones again ---


def test_failed_mails_are_asked_about_and_go_out_again(
    signed_in, django_capture_on_commit_callbacks
):
    failed, sent = make_letter(1), make_letter(2)
    Letter.objects.filter(pk=failed.pk).update(state="failed", tries=5, error="x")
    Letter.objects.filter(pk=sent.pk).update(state="sent", sent_at=NOON)
    client = signed_in("ops")

    question = again(client, failed, sent).context["question"]
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(LIST, dict(question.hidden))

    assert question.facts == [("Failed", "1"), ("Left alone (not failed)", "1")]
    assert said(answer) == "1 mail back in the outbox."
    assert set(Letter.objects.values_list("pk", "state")) == {
        (failed.pk, "queued"),
        (sent.pk, "sent"),
    }
    assert [row.func() for row in OrmQ.objects.all()] == ["refreshops.connect.tasks.send_letters"]


def test_auditors_send_nothing(signed_in):
    letter = make_letter()
    Letter.objects.update(state="failed")

    again(signed_in("auditor"), letter, confirmed="yes", rows=letter.pk)

    assert Letter.objects.get().state == "failed"


# --- Texts ---


def test_every_text_is_listed_with_the_words_in_force(signed_in, text):
    LetterText.objects.filter(pk=text.pk).update(subject="Another subject", body="{link}")

    page = signed_in("ops").get(TEXTS).content.decode()

    assert "Another subject" in page
    assert OURS["reconnect", "fr"][0] in page.replace("&#x27;", "'")


def test_a_changed_text_is_shown_as_it_arrives_and_sent_from_then_on(signed_in, text):
    client = signed_in("ops")

    answer = client.post(
        page_of(text), {"subject": " Hi  there ", "body": "From <us>:\r\n{link}"}, follow=True
    )

    page = answer.content.decode()
    assert "<p>From &lt;us&gt;:<br>" in page
    assert courier.SAMPLE_PAGE in page
    text.refresh_from_db()
    assert (text.subject, text.body) == ("Hi there", "From <us>:\n{link}")
    assert text.changed_by.username == "ops"
    mailer = Mailer()
    letters.queue(make_link(make_case()), kind=LetterKind.RECONNECT, by=None, now=NOON)
    send(mailer)
    assert mailer.taken[0].subject == "Hi there"
    event = Event.objects.get(action="change_letter")
    assert event.details["fields"] == ["subject", "body"]
    assert not Event.objects.filter(action="change_row").exists()


@pytest.mark.parametrize(
    ("form", "error"),
    [
        pytest.param({"subject": "A", "body": "{name} {link}"}, "no placeholder", id="unknown"),
        pytest.param({"subject": "A", "body": "Hello"}, "needs {link}", id="no-link"),
        pytest.param({"subject": "{link}", "body": "{link}"}, "may not stand", id="in-subject"),
        pytest.param({"subject": "A\u202eB", "body": "{link}"}, "one line", id="unseen"),
        pytest.param({"subject": "", "body": "{link}"}, "both", id="no-subject"),
        pytest.param({"subject": "A" * 201, "body": "{link}"}, "at most 200", id="long"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused_and_kept_in_the_form(signed_in, text, form, error):
    answer = signed_in("ops").post(page_of(text), form)

    assert answer.status_code == 200
    assert error in str(answer.context["adminform"].form.errors)
    text.refresh_from_db()
    assert text.body == ""


@pytest.mark.parametrize("form", [("", ""), OURS["reconnect", "en"]], ids=["empty", "our-words"])
def test_emptied_or_put_back_it_is_ours_again(signed_in, text, form):
    LetterText.objects.filter(pk=text.pk).update(subject="A", body="{link}")

    signed_in("ops").post(page_of(text), {"subject": form[0], "body": form[1]})

    text.refresh_from_db()
    assert (text.subject, text.body) == ("", "")


def test_the_form_begins_with_the_words_in_force(signed_in, text):
    form = signed_in("ops").get(page_of(text)).context["adminform"].form

    assert (form.initial["subject"], form.initial["body"]) == OURS["reconnect", "en"]


def test_auditors_read_the_words_and_change_nothing(signed_in, text):
    client = signed_in("auditor")

    page = client.get(page_of(text)).content.decode()

    assert courier.SAMPLE_PAGE in page
    assert "Send me a test" not in page
    assert client.post(f"{TEXTS}{text.pk}/test/").status_code == 403


# --- Tests ---


def test_a_test_goes_to_the_own_address_and_to_no_other(signed_in, people, text):
    people["ops"].email = "ops@lender.example"
    people["ops"].save()

    answer = signed_in("ops").post(f"{TEXTS}{text.pk}/test/", {"to": "x@y.example"})
    signed_in("ops").post(f"{TEXTS}{text.pk}/test/")

    letter = Letter.objects.get()
    assert (letter.kind, letter.sample_of, letter.to) == ("test", "reconnect", "ops@lender.example")
    assert "on its way to ops@lender.example" in said(answer)


def test_who_has_no_address_is_told(signed_in, text):
    answer = signed_in("ops").post(f"{TEXTS}{text.pk}/test/")

    assert "no e-mail address" in said(answer)
    assert not Letter.objects.exists()

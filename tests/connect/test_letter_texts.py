"""The words of mails: what may stand in one, what is filled in, and that nothing else gets out."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refreshops.connect import letter_texts
from refreshops.connect.letter_texts import UnfitText, Values, check, compose
from refreshops.connect.letter_words import OURS
from refreshops.logins.models import Language, LetterKind, LetterText

VALUES = Values(
    link="https://c.example/connect/abc/",
    institution="Birch <b>Bank</b> {link}",
    lender="Lender & Co",
    expires="soon",
)


@pytest.mark.parametrize(
    ("kind", "language"), list(product(LetterKind.values, Language.values)), ids=str
)
def test_each_kind_has_words_of_ours_that_may_be_sent_and_name_no_bank(kind, language):
    subject, body = OURS[kind, language]

    check(kind=kind, subject=subject, body=body)

    assert letter_texts.INSTITUTION not in subject + body


@pytest.mark.parametrize(
    ("subject", "body", "field", "said"),
    [
        pytest.param("A", "{name} {link}", "body", "“{name}” is no placeholder", id="unknown"),
        pytest.param("A", "{link.key} {link}", "body", "no placeholder", id="attribute"),
        pytest.param("A", "{link!r} {link}", "body", "no placeholder", id="conversion"),
        pytest.param("A", "{ link } {link}", "body", "no placeholder", id="spaces"),
        pytest.param("A", "{link} { open", "body", "no placeholder", id="open-brace"),
        pytest.param("A", "{link} }", "body", "no placeholder", id="closing-brace"),
        pytest.param("A", "No way in", "body", "needs {link}", id="no-link"),
        pytest.param("{link}", "{link}", "subject", "may not stand here", id="link-in-subject"),
        pytest.param("{name}", "{link}", "subject", "no placeholder", id="unknown-in-subject"),
        pytest.param("A\nBcc: x@y", "{link}", "subject", "one line", id="two-headers"),
        pytest.param("A\u2028B", "{link}", "subject", "one line", id="line-separator"),
        pytest.param("A\x00", "{link}", "subject", "one line", id="nul"),
        pytest.param("", "{link}", "subject", "both", id="no-subject"),
        pytest.param("A", " ", "body", "both", id="no-text"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_reason(subject, body, field, said):
    with pytest.raises(UnfitText) as refused:
        check(kind="reconnect", subject=subject, body=body)

    assert refused.value.field == field
    assert said in str(refused.value)


def test_only_a_test_needs_no_link():
    check(kind="test", subject="A", body="Nothing to do")


def test_values_are_filled_in_once_and_escaped():
    mail = compose(
        ("From {lender}", "At {institution}:\n{link}\n\nBye"), language="en", values=VALUES
    )

    assert mail.subject == "From Lender & Co"
    assert mail.body == "At Birch <b>Bank</b> {link}:\nhttps://c.example/connect/abc/\n\nBye"
    assert (
        "<p>At Birch &lt;b&gt;Bank&lt;/b&gt; {link}:<br>\n"
        '<a href="https://c.example/connect/abc/">https://c.example/connect/abc/</a></p>\n'
        "<p>Bye</p>"
    ) in mail.html
    assert mail.html.startswith('<!doctype html><html lang="en">')


@given(st.text(), st.text(), st.text())
def test_no_value_and_no_text_ends_a_header_or_makes_an_element(subject, institution, body):
    values = Values(link="https://c.example/", institution=institution, lender="L", expires="E")

    mail = compose(
        (f"{subject} {{institution}}", body + "{institution}"), language="fr", values=values
    )

    assert mail.subject.isprintable()
    inside = mail.html.partition("<body>")[2].removesuffix("</body></html>")
    for ours in ("<p>", "</p>", "<br>", '<a href="https://c.example/">', "</a>"):
        inside = inside.replace(ours, "")
    assert "<" not in inside
    assert ">" not in inside


@pytest.mark.django_db
def test_the_words_in_force_are_changed_ones_else_ours():
    assert letter_texts.text_of(kind="connect", language="fr") == OURS["connect", "fr"]

    letter_texts.ensure_texts()
    letter_texts.ensure_texts()
    assert letter_texts.text_of(kind="connect", language="fr") == OURS["connect", "fr"]

    LetterText.objects.filter(kind="connect", language="fr").update(subject="A", body="{link}")
    assert letter_texts.text_of(kind="connect", language="fr") == ("A", "{link}")
    assert LetterText.objects.count() == len(OURS)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "November 20, 2026 at 22:05"), ("fr", "20 novembre 2026 à 22 h 05")],
)
def test_a_moment_is_told_in_our_time_zone(language, words):
    at = datetime(2026, 11, 21, 3, 5, tzinfo=UTC)

    assert letter_texts.day_and_time(at, language=language) == words

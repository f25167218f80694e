"""Help: the documents as pages, and a way from every screen to the section about it."""

import re

import pytest

from refreshops.console.handbook import PAGES, anchor_of, anchor_of_code, document
from refreshops.console.help_pages import LOST, address_of
from refreshops.rules.outcomes import MEANING_OF, Outcome
from refreshops.wiring import vocabulary
from tests.console.permission_site import VISITOR, ask, lines, make_site, undone

HELP_LINK = re.compile(r'href="/help/runbook/#([^"]+)"')
TITLE = re.compile(r"<title>(.+?) \| RefreshOps</title>", re.DOTALL)
LINK = re.compile(r'href="([^"]+)"')


@pytest.fixture(scope="module")
def documents():
    return {page: document(page, address=address_of) for page in PAGES}


def test_every_screen_links_to_its_own_section_of_the_runbook(db, documents):
    site = make_site()
    seen = {}

    for line in lines("Addresses"):
        if line.name.startswith("/connect/"):
            continue  # customers have no runbook
        for method in ("GET", "POST"):
            with undone():
                answer = ask(
                    site.client("admin"),
                    method,
                    site.address(line, VISITOR),
                    site.form(VISITOR) if method == "POST" and "order" in line.name else {},
                )
            if answer.status_code == 200 and "text/html" in answer["Content-Type"]:
                seen[method, line.name] = answer.content.decode()

    assert len(seen) > 60
    for where, html in seen.items():
        found = HELP_LINK.search(html)
        assert found, where
        assert found[1] in documents["runbook"].anchors, where
        assert found[1] != anchor_of(LOST), where
        title = TITLE.search(html)
        assert title, where
        assert "object at" not in title[1], where


def test_a_visitor_and_a_lost_person_are_shown_the_way_to_help(signed_in, documents, client):
    assert HELP_LINK.search(client.get("/login/").content.decode())
    html = signed_in("nobody").get("/no/such/page/").content.decode()
    found = HELP_LINK.search(html)

    assert found
    assert found[1] == anchor_of(LOST)
    assert found[1] in documents["runbook"].anchors


@pytest.mark.parametrize("page", PAGES)
def test_a_document_is_a_page_for_everybody_who_signed_in(page, signed_in, documents):
    html = signed_in("nobody").get(address_of(page)).content.decode()

    assert f"<h1>{documents[page].title}</h1>" in html
    assert "mermaid" not in html
    assert "write_docs" not in html or page == "runbook"
    assert "<table>" not in html


def test_every_link_between_the_documents_leads_to_a_heading(documents):
    for name, found in documents.items():
        for address in LINK.findall(found.html):
            page, _, anchor = address.partition("#")
            target = name if not page else page.removeprefix("/help/").strip("/")
            assert target in documents, (name, address)
            assert not anchor or anchor in documents[target].anchors, (name, address)


def test_no_heading_of_the_runbook_stands_twice(documents):
    assert not [name for name in documents["runbook"].anchors if re.search(r"_\d+$", name)]


@pytest.mark.parametrize("outcome", Outcome, ids=str)
def test_an_outcome_has_its_heading_in_the_runbook(outcome, documents):
    heading = f"{MEANING_OF[outcome].label} (`{outcome}`)"

    assert anchor_of(heading) in documents["runbook"].anchors


@pytest.mark.parametrize(
    "code", sorted(code for name in vocabulary.VOCABULARIES for code in vocabulary.codes_of(name))
)
def test_a_code_has_its_row_among_the_answers(code, documents):
    assert f'<tr id="{anchor_of_code(code)}">' in documents["provider-answers"].html


def test_the_index_of_help_names_every_page_and_section(signed_in, documents):
    html = signed_in("auditor").get("/help/").content.decode()

    assert all(f'href="{address_of(page)}"' in html for page in PAGES)
    assert all(f'/help/runbook/#{anchor}"' in html for anchor in documents["runbook"].anchors)


def test_another_word_is_not_a_page(signed_in):
    for page in ("architecture", "README", "no-such"):
        assert signed_in("admin").get(f"/help/{page}/").status_code == 404

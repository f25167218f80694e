"""The documents of docs/ as HTML for the help pages: our own trusted files, each rendered once.

Nothing here reads a request or the database.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import markdown
from markdown.extensions import Extension
from markdown.extensions.fenced_code import FencedCodeExtension
from markdown.extensions.tables import TableExtension
from markdown.extensions.toc import TocExtension, slugify
from markdown.treeprocessors import Treeprocessor

import refreshops

FOLDER = Path(refreshops.__file__).resolve().parent.parent / "docs"
# By the word that stands in the address.
PAGES: Mapping[str, str] = {
    "runbook": "What to do, by outcome, by kind of trouble and by screen.",
    "provider-answers": "Every answer the provider is known to give: what it means, and who acts.",
    "permissions": "Who gets what at every address, and which orders they may give.",
    "lifecycle": "The states of runs, attempts and calls, and the steps between them.",
}
# What GitHub draws and a browser does not: the table below it says the same.
DIAGRAM = re.compile(r"^```mermaid\n.*?^```\n", re.DOTALL | re.MULTILINE)
NOTE = re.compile(r"<!--.*?-->\n*", re.DOTALL)
LINK = re.compile(r"(?:docs/)?(?P<page>[a-z-]+)\.md(?P<anchor>#.*)?")
HEADINGS = ("h1", "h2", "h3")


@dataclass(frozen=True)
class Document:
    """A rendered document: its title, its text without the title, and its headings in order."""

    title: str
    html: str
    contents: list[dict[str, Any]]

    @property
    def anchors(self) -> frozenset[str]:
        """Return the id of every heading."""
        return frozenset(_ids(self.contents))


def anchor_of(heading: str) -> str:
    """Return the anchor of a heading, written as in the document without its backquotes."""
    return slugify(heading.replace("`", ""), "-")


def anchor_of_code(code: str) -> str:
    """Return the anchor of the first row about a provider's code, in provider-answers."""
    return f"code-{slugify(code, '-')}"


@cache
def document(page: str, *, address: Callable[[str], str]) -> Document:
    """Render one of `PAGES`; `address` gives a page's address, for links from one to another.

    Raises KeyError for any other name.
    """
    if page not in PAGES:
        raise KeyError(page)
    text = NOTE.sub("", DIAGRAM.sub("", (FOLDER / f"{page}.md").read_text(encoding="utf-8")))
    toc = TocExtension(toc_depth="2-3", slugify=slugify)
    parts = [TableExtension(use_align_attribute=True), FencedCodeExtension(), toc]
    renderer: Any = markdown.Markdown(extensions=[*parts, "sane_lists", _Site(address=address)])
    html = renderer.convert(text)
    title, _, rest = html.partition("</h1>")
    return Document(re.sub(r"<[^>]+>", "", title).strip(), rest.strip(), renderer.toc_tokens)


class _Site(Extension):
    """What a page of the site needs besides plain Markdown."""

    def __init__(self, *, address: Callable[[str], str]) -> None:
        super().__init__()
        self.address = address

    def extendMarkdown(self, md: markdown.Markdown) -> None:
        md.treeprocessors.register(_Links(md, self.address), "links", 1)
        md.treeprocessors.register(_Tables(md), "tables", 0)


class _Links(Treeprocessor):
    """Links to documents that are pages lead there; others, which nobody can open, are text."""

    def __init__(self, md: markdown.Markdown, address: Callable[[str], str]) -> None:
        super().__init__(md)
        self.address = address

    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            target = link.get("href", "")
            found = LINK.fullmatch(target)
            if found and found["page"] in PAGES:
                link.set("href", self.address(found["page"]) + (found["anchor"] or ""))
            elif not target.startswith("#"):
                link.tag = "span"
                link.attrib.clear()


class _Tables(Treeprocessor):
    """Each table scrolls inside a named region; a row about a code can be linked to."""

    def run(self, root: Element) -> None:
        heading, taken = "", set[str]()
        for place, child in enumerate(list(root)):
            if child.tag in HEADINGS:
                heading = "".join(child.itertext())
            if child.tag != "table":
                continue
            _name_rows(child, taken)
            region = Element("div", {"class": "scroll", "tabindex": "0", "role": "region"})
            region.set("aria-label", f"Table: {heading}")
            root.remove(child)
            child.set("class", "plain")
            region.append(child)
            root.insert(place, region)


def _name_rows(table: Element, taken: set[str]) -> None:
    heads = list(table.iter("th"))
    for head in heads:
        head.set("scope", "col")
    names = ["".join(head.itertext()) for head in heads]
    if "code" not in names:
        return
    for row in table.findall("tbody/tr"):
        anchor = anchor_of_code("".join(row[names.index("code")].itertext()))
        if anchor not in taken and anchor != anchor_of_code("–"):
            taken.add(anchor)
            row.set("id", anchor)


def _ids(contents: list[dict[str, Any]]) -> list[str]:
    return [name for entry in contents for name in (entry["id"], *_ids(entry.get("children", [])))]

"""HTML as values."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.ui.html import Html, element, table, text


class Seen(HTMLParser):
    """What a browser sees of a text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag and its attributes."""
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<b>&\"'", "&lt;b&gt;&amp;&quot;&#x27;"),
        (7, "7"),
        (Html("<b>x</b>"), "<b>x</b>"),
        ("\x1b[31ma\x00\nb", "a\nb"),
    ],
)
def test_text_is_no_markup(value: object, shown: str) -> None:
    """But for what is markup already; control characters go, lines stay."""
    assert text(value) == shown


def test_an_element_has_attributes_and_content() -> None:
    """Names are Python's; None leaves one out, and what has no content closes itself."""
    made = element("p", "a<", element("b", "c"), class_="x", aria_label='"', id=None)
    assert made == '<p class="x" aria-label="&quot;">a&lt;<b>c</b></p>'
    assert element("meta", name="a") == '<meta name="a"/>'
    assert element("rect", x=1) == '<rect x="1"/>'
    assert element("td") == "<td></td>"


@settings(deadline=None)  # a busy machine says nothing about the code
@given(st.text(), st.text())
def test_whatever_a_text_is_it_stays_text(content: str, attribute: str) -> None:
    """A browser sees one element, with the text and the attribute that were given."""
    seen = Seen(element("p", content, title=attribute))
    assert seen.tags == ["p"]
    assert [name for name, _ in seen.attributes] == ["title"]


def test_a_table_has_a_caption_and_heads() -> None:
    """Numbers stand to the right; the keyboard can scroll it."""
    made = table(("a<", "b"), [("x", 1)], caption="All")
    assert '<th scope="col">a&lt;</th>' in made
    assert '<th scope="col" class="number">b</th>' in made
    assert '<td>x</td><td class="number">1</td>' in made
    assert '<th scope="col">a</th>' in table(("a",), [], caption="None")
    assert "<caption>All</caption>" in made
    assert 'tabindex="0" role="region" aria-label="All"' in made

"""The page for everyone: small and large screens, light and dark, keyboard alone, and what screen readers need."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open, Person, Shot, add_task, sign_up

pytestmark = pytest.mark.cluster

SCREENS = {"phone": {"width": 360, "height": 740}, "tablet": {"width": 820, "height": 1180}}


def faults(page: Page) -> list[str]:
    """Return the rules of WCAG 2.2 AA and of good practice that the page breaks, and where."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {json.dumps([node['html'] for node in one['nodes']])}" for one in found]


def overflows(page: Page) -> bool:
    """Tell whether one would have to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anyone_out(open_page: Open, scheme: str) -> None:
    """Names, labels and contrast are right, of the sign-in and of the app, in both colour schemes."""
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert faults(page) == []
    sign_up(page, Person())
    add_task(page, "Look at it")
    page.get_by_role("checkbox", name="Look at it").check()
    page.get_by_role("button", name="List my tasks").click()
    expect(page.get_by_role("list", name="Tools that were called")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("screen", SCREENS)
def test_it_fits_the_screen(open_page: Open, shot: Shot, screen: str) -> None:
    """On a narrow screen tasks and assistant take turns, and nothing is cut off at the side."""
    page = open_page(viewport=SCREENS[screen], color_scheme="dark")
    assert not overflows(page)
    sign_up(page, Person())
    add_task(page, "Aword" * 40)
    assert not overflows(page)
    shot(page, f"8-{screen}-tasks")
    page.get_by_role("button", name="Assistant").click()
    expect(page.get_by_label("New task")).to_be_hidden()
    page.get_by_label("Message to the assistant").fill("list")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Tools that were called")).to_be_visible()
    assert not overflows(page)
    shot(page, f"9-{screen}-assistant")


def test_the_keyboard_is_enough(open_page: Open) -> None:
    """Without a mouse: sign up, add, complete, edit, cancel and delete."""
    person, page = Person(), open_page()
    keys = page.keyboard
    page.get_by_role("button", name="Create one").press("Enter")
    page.get_by_label("Name").focus()
    for text in (person.name, person.email, person.password):
        keys.type(text)
        keys.press("Tab")
    page.get_by_label("Password", exact=True).press("Enter")
    page.get_by_label("New task").focus()
    keys.type("By hand")
    keys.press("Enter")
    box = page.get_by_role("checkbox", name="By hand")
    box.press("Space")
    expect(box).to_be_checked()
    keys.press("Tab")
    edit = page.get_by_role("button", name="Edit “By hand”")
    expect(edit).to_be_focused()
    keys.press("Enter")
    keys.type("Something else")
    keys.press("Escape")
    expect(edit).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_text("Nothing to do yet")).to_be_visible()
    expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_focused()

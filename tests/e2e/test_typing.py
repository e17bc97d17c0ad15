"""Fast typing on a slow machine: keys that are pressed while the page is busy are neither lost nor mixed up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response, expect

from tests.e2e.conftest import Open, Person, add_task, sign_up

pytestmark = pytest.mark.cluster

SLOW = """() => {
  const { fetch, setTimeout } = window;
  let latency = 300;
  window.setTimeout = (callback, delay = 0, ...values) => setTimeout(callback, delay + 400, ...values);
  window.requestAnimationFrame = (callback) => setTimeout(() => callback(performance.now()), 400);
  window.fetch = async (...request) => {
    latency = 900 - latency;
    await new Promise((resolve) => setTimeout(resolve, latency));
    return fetch(...request);
  };
}"""
"""Delays timers and animation frames, so that keys arrive before the delayed effects of earlier keys. Delays requests
by 600 and 300 ms in turn, so that one would overtake another."""

TASK = "By hand"

Slow = Callable[[], Page]
"""Opens the page of a new user who has one task, and slows it down."""


@pytest.fixture
def slow_page(open_page: Open) -> Slow:
    """Return a function that opens a slow page."""

    def slow_page() -> Page:
        page = open_page()
        sign_up(page, Person())
        add_task(page, TASK)
        page.evaluate(SLOW)
        return page

    return slow_page


def test_keys_after_edit_reach_the_field(slow_page: Slow) -> None:
    """Enter on Edit moves the focus before the next key, which replaces the title."""
    page = slow_page()
    page.get_by_role("button", name=f"Edit “{TASK}”").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Something else")
    expect(page.get_by_label("New title")).to_have_value("Something else")
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Something else")).to_be_visible()


def test_keys_after_cancel_reach_the_button(slow_page: Slow) -> None:
    """Escape moves the focus back to Edit before the next key, so Enter opens the field again."""
    page = slow_page()
    page.get_by_role("button", name=f"Edit “{TASK}”").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("New title")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_label("New title")).to_be_focused()


def test_tasks_can_be_typed_one_after_another(slow_page: Slow) -> None:
    """Titles that are typed while earlier ones are being saved become tasks of their own, in order."""
    page = slow_page()
    page.get_by_label("New task").focus()
    titles = ("first", "second", "third")
    for title in titles:
        page.keyboard.type(title)
        page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox")).to_have_count(1 + len(titles))
    expect(page.get_by_role("list").first.get_by_role("listitem")).to_contain_text([TASK, *titles])
    expect(page.get_by_label("New task")).to_have_value("")


def test_a_deletion_does_not_take_the_focus_away(slow_page: Slow) -> None:
    """Who goes on typing while a task is being deleted stays in the field."""
    page = slow_page()
    page.get_by_role("button", name=f"Delete “{TASK}”").click()
    page.get_by_label("New task").focus()
    page.keyboard.type("the next")
    expect(page.get_by_text("Nothing to do yet")).to_be_visible()
    page.keyboard.type(" one")
    expect(page.get_by_label("New task")).to_have_value("the next one")


def changes(completed: str) -> Callable[[Response], bool]:
    """Return a condition for the response to a change of `completed`."""
    return lambda response: response.request.post_data == f'{{"completed":{completed}}}'


def test_the_last_of_several_clicks_counts(slow_page: Slow) -> None:
    """A task that is checked and unchecked again, before the first change is saved, ends up unchecked."""
    page = slow_page()
    box = page.get_by_role("checkbox", name=TASK)
    with page.expect_response(changes("true")), page.expect_response(changes("false")):
        box.click()
        box.click()
        expect(box).not_to_be_checked()
    page.reload()
    expect(page.get_by_role("checkbox", name=TASK)).not_to_be_checked()


def test_what_is_typed_while_waiting_for_the_assistant_is_kept(slow_page: Slow) -> None:
    """If the message fails, it is put in front of what was typed meanwhile."""
    page = slow_page()
    page.route("**/chat", lambda route: route.abort("connectionrefused"))
    page.get_by_label("Message to the assistant").focus()
    page.keyboard.type("list")
    page.keyboard.press("Enter")
    page.keyboard.type("and then")
    expect(page.get_by_role("alert")).to_contain_text("does not answer.")
    expect(page.get_by_label("Message to the assistant")).to_have_value("list\nand then")

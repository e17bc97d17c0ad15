"""What the page says when something does not work: sentences for people."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import Open, Person, Shot, add_task, sign_in, sign_up

pytestmark = pytest.mark.cluster


def test_a_wrong_password(open_page: Open, shot: Shot) -> None:
    """The page says that it does not match, not which half is wrong."""
    page = open_page()
    sign_in(page, Person())
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    shot(page, "6-wrong-password")


def test_a_session_that_is_over(open_page: Open) -> None:
    """The sign-in comes with its reason, and signing in goes on where one was."""
    person, page = Person(), open_page()
    sign_up(page, person)
    add_task(page, "Go on here")
    page.context.clear_cookies()
    page.reload()  # the token that the page held is gone with it
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    sign_in(page, person)
    expect(page.get_by_role("checkbox", name="Go on here")).to_be_visible()


def test_a_session_that_ends_while_one_works(open_page: Open) -> None:
    """A refused token leads to the sign-in with its reason, not to an error."""
    page = open_page()
    sign_up(page, Person())
    page.context.clear_cookies()
    page.route("**/api/*/tasks", lambda route: route.fulfill(status=401, json={"detail": "expired"}))
    page.get_by_label("New task").fill("Too late")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Your session is over. Please sign in again.")


def test_a_backend_that_does_not_answer(open_page: Open, shot: Shot) -> None:
    """The page says so, keeps what was typed, and is well again when the backend is."""
    page = open_page()
    sign_up(page, Person())
    down = True

    def answer(route: Route) -> None:
        if down:
            route.abort("connectionrefused")
        else:
            route.continue_()

    page.route("**:30081/**", answer)
    page.get_by_label("New task").fill("Kept")
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("does not answer.")
    expect(page.get_by_label("New task")).to_have_value("Kept")
    shot(page, "7-backend-down")
    down = False
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_be_hidden()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("checkbox", name="Kept")).to_be_visible()


def test_a_title_is_text_and_nothing_else(open_page: Open) -> None:
    """Markup, SQL and emoji are shown as they were typed."""
    page = open_page()
    sign_up(page, Person())
    for title in ("<img src=x onerror=alert(1)>", "'; DROP TABLE tasks; --", "👩‍🚀 🥛"):
        add_task(page, title)
    page.reload()
    expect(page.get_by_role("checkbox")).to_have_count(3)

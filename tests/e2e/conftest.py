"""A real browser, the distribution's Chromium, on the app that `deploy` left on the live cluster.

Screenshots of each step, and of the last moment of a test that failed, are kept in `.dockyard/screenshots/`.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from dockyard.clusters.protocol import ExposedPort
from dockyard.machine.packages import ensure_package
from dockyard.model.errors import MachineError
from dockyard.workspace import Workspace
from tests.conftest import MissingTool
from tests.fakes import Recorder
from tests.smoke.conftest import workspace

__all__ = ["workspace"]

FRONTEND = 30080

PATIENCE = 10_000
"""Milliseconds that a step may take: a page on a busy machine, not a pod that is replaced."""

SCREENSHOTS = Path(__file__).parents[2] / ".dockyard" / "screenshots"

DESKTOP = {"width": 1280, "height": 860}

OPTIONS = ("--no-sandbox", "--disable-dev-shm-usage")
"""Chromium's sandbox does not start as root, and a container's /dev/shm is small; it opens nothing but our own page."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who uses the app.

    Attributes:
        name: Their name.
        email: What they sign in with, new in each test.
        password: The other half of it.
    """

    name: str = "Ada Lovelace"
    email: str = field(default_factory=lambda: f"{uuid.uuid4().hex}@example.org")
    password: str = field(default_factory=lambda: uuid.uuid4().hex, repr=False)


def sign_up(page: Page, person: Person) -> None:
    """Make an account through the form, which signs in, and wait for the list."""
    page.get_by_role("button", name="Create one").click()
    page.get_by_label("Name").fill(person.name)
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Nothing to do yet")).to_be_visible()


def sign_in(page: Page, person: Person) -> None:
    """Sign in through the form, whether or not it works."""
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def add_task(page: Page, title: str) -> None:
    """Add a task through the form, and wait until it is in the list."""
    page.get_by_label("New task").fill(title)
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name=title)).to_be_visible()


@pytest.fixture(scope="session")
def chromium(missing_tool: MissingTool) -> str:
    """Return the path of the distribution's Chromium, which is installed where that is possible."""
    try:
        ensure_package("chromium", "chromium", Recorder(), reason="The browser test drives it")
    except MachineError as error:
        missing_tool("Chromium", fix=str(error))
    return str(shutil.which("chromium"))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Return Playwright's driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """Return a browser without a window."""
    browser = playwright.chromium.launch(executable_path=chromium, args=list(OPTIONS))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def address(workspace: Workspace) -> str:
    """Return where the page is."""
    return f"http://{workspace.cluster.address(ExposedPort(port=FRONTEND, node_port=FRONTEND))}"


Open = Callable[..., Page]
"""Opens the app's page in a browser of its own, with Playwright's options for one."""


@pytest.fixture
def open_page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Return what opens the page; a fault of its script fails the test."""
    contexts = []
    faults: list[str] = []

    def open_page(**options: object) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, **options})  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    name = re.sub(r"\W+", "-", request.node.name)
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=SCREENSHOTS / f"{name}-{number}-end.png")
        context.close()
    assert not faults


Shot = Callable[[Page, str], None]
"""Keeps a picture of a page under a name."""


@pytest.fixture(scope="session")
def shot() -> Shot:
    """Return what keeps a screenshot of a step."""

    def keep(page: Page, name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return keep

"""A day with the app: what a user does, from the sign-up to the next sign-in, while pods come and go."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dockyard.clusters.protocol import ExposedPort
from dockyard.tools.clock import SystemClock, ticks
from dockyard.tools.http import ask
from dockyard.tools.kubernetes import Api
from dockyard.workspace import Workspace
from tests.e2e.conftest import Open, Person, Shot, add_task, sign_in, sign_up

pytestmark = pytest.mark.cluster

BACKEND, FRONTEND = 30081, 30080

REPLACED_WITHIN = 30.0
"""Seconds for a killed pod to be replaced and to serve, on a machine that also runs a browser."""


def say(page: Page, message: str) -> None:
    """Say something to the assistant."""
    page.get_by_label("Message to the assistant").fill(message)
    page.keyboard.press("Enter")


def test_a_day_with_the_app(open_page: Open, shot: Shot) -> None:
    """Tasks added by form and by chat, changed and completed, are there after a reload and after the next sign-in."""
    person, page = Person(), open_page()
    shot(page, "1-sign-in")
    sign_up(page, person)
    shot(page, "2-empty")

    add_task(page, "Water the plants")
    add_task(page, "Book the dentist")
    say(page, "add buy milk")
    expect(page.get_by_role("checkbox", name="buy milk")).to_be_visible()
    tools = page.get_by_role("list", name="Tools that were called")
    expect(tools).to_contain_text("add_task")
    shot(page, "3-added")

    page.get_by_role("checkbox", name="Water the plants").check()
    expect(page.get_by_text("2 open, 1 done")).to_be_visible()
    page.get_by_role("button", name="Edit “Book the dentist”").click()
    page.get_by_label("New title").fill("Book the dentist for May")
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Book the dentist for May")).to_be_visible()

    page.reload()
    expect(page.get_by_role("checkbox", name="Water the plants")).to_be_checked()
    expect(page.get_by_role("log")).to_contain_text("add buy milk")
    page.get_by_role("button", name=re.compile("^Open")).click()
    expect(page.get_by_role("checkbox")).to_have_count(2)
    page.get_by_role("button", name=re.compile("^All")).click()
    page.get_by_role("button", name="Delete “buy milk”").click()
    expect(page.get_by_role("checkbox")).to_have_count(2)
    shot(page, "4-reloaded")

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    sign_in(page, person)
    expect(page.get_by_role("checkbox", name="Water the plants")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Book the dentist for May")).not_to_be_checked()
    expect(page.get_by_role("checkbox")).to_have_count(2)
    shot(page, "5-signed-in-again")


def test_two_people_do_not_see_each_other(open_page: Open) -> None:
    """What one person adds is in no other person's list."""
    one, other = open_page(), open_page()
    sign_up(one, Person(name="One"))
    sign_up(other, Person(name="Other"))
    add_task(one, "A secret")
    other.reload()
    expect(other.get_by_text("Nothing to do yet")).to_be_visible()


def test_it_works_under_every_name_of_its_host(open_page: Open, address: str) -> None:
    """Opened at another name of the same machine, page, sign-up and backend work as they are."""
    page = open_page()
    page.goto(address.replace("127.0.0.1", "localhost"))
    sign_up(page, Person())
    add_task(page, "From here too")


def test_an_earlier_chat_is_found_again(open_page: Open) -> None:
    """A new chat begins empty; the one before is chosen from the list, with all that was said."""
    page = open_page()
    sign_up(page, Person())
    tools = page.get_by_role("list", name="Tools that were called")
    say(page, "add the first")
    expect(tools).to_be_visible()
    page.get_by_role("button", name="New chat").click()
    expect(page.get_by_role("log")).to_be_empty()
    say(page, "add the second")
    expect(tools).to_be_visible()
    page.get_by_label("Earlier chats").select_option(label="add the first")
    expect(page.get_by_role("log")).to_contain_text("add the first")
    expect(page.get_by_role("log")).not_to_contain_text("add the second")


def pods_of(api: Api) -> dict[str, bool]:
    """Return the app's pods that are not on their way out, and whether each is ready."""
    pods = api.list("Pod", labels="app.kubernetes.io/part-of=ai-todo")
    return {
        pod["metadata"]["name"]: all(
            one["ready"] for one in pod["status"].get("containerStatuses") or [{"ready": False}]
        )
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    }


def kill_all(workspace: Workspace) -> None:
    """Kill every pod of the app without grace, and wait until others are in their place and the app is ready."""
    api = workspace.api(workspace.target())
    before = pods_of(api)
    for name in before:
        api.ask("DELETE", api.path("Pod", name), query={"gracePeriodSeconds": "0"})
    for _ in ticks(SystemClock(), limit=REPLACED_WITHIN, pause=0.2):
        pods = pods_of(api)
        ports = (ExposedPort(port=port, node_port=port) for port in (FRONTEND, BACKEND))
        answers = [ask(f"http://{workspace.cluster.address(port)}/ready") for port in ports]
        back = len(pods) == len(before) and not pods.keys() & before.keys() and all(pods.values())
        if back and all(answer.ok for answer in answers):
            return
    pytest.fail(f"The app was not back within {REPLACED_WITHIN:g} s: {pods}, {answers}")


def test_killed_pods_cost_no_data_and_no_session(open_page: Open, workspace: Workspace) -> None:
    """With the pods of all three services killed at once, the user stays signed in, loses nothing, and goes on."""
    page = open_page()
    sign_up(page, Person())
    add_task(page, "Outlive the pods")
    say(page, "add outlive them too")
    expect(page.get_by_role("checkbox")).to_have_count(2)
    kill_all(workspace)
    say(page, "add after them")
    expect(page.get_by_role("checkbox", name="after them")).to_be_visible()
    page.reload()
    expect(page.get_by_role("checkbox", name="Outlive the pods")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(3)
    expect(page.get_by_role("log")).to_contain_text("add outlive them too")

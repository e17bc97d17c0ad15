"""Tasks over HTTP."""

import json
from datetime import datetime

import pytest
from httpx import AsyncClient

TITLES = ["Buy milk", "買牛乳 🥛", "'); DROP TABLE tasks; --", "<script>alert(1)</script>", "x" * 500]


async def add(client: AsyncClient, title: str) -> int:
    """Add a task and return its id."""
    response = await client.post("/api/tasks", json={"title": title})
    assert response.status_code == 201, response.text
    task_id: int = response.json()["id"]
    return task_id


async def test_a_new_database_has_no_tasks(client: AsyncClient) -> None:
    """The list is empty, not an error, before the first task."""
    response = await client.get("/api/tasks")

    assert (response.status_code, response.json()) == (200, [])


async def test_an_added_task_is_returned_with_its_address(client: AsyncClient) -> None:
    """POST answers 201 with the whole task, and Location leads to the same one."""
    response = await client.post("/api/tasks", json={"title": "  Buy milk "})

    task = response.json()
    assert response.status_code == 201
    assert (task["title"], task["completed"]) == ("Buy milk", False)
    assert datetime.fromisoformat(task["created_at"]).utcoffset() is not None
    assert (await client.get(response.headers["Location"])).json() == task


@pytest.mark.parametrize("title", TITLES)
async def test_a_title_comes_back_as_it_was_sent(client: AsyncClient, title: str) -> None:
    """Other scripts, emoji, SQL and HTML are text like any other."""
    await add(client, title)

    assert [task["title"] for task in (await client.get("/api/tasks")).json()] == [title]


async def test_a_change_touches_only_what_it_names(client: AsyncClient) -> None:
    """PATCH with `completed` keeps the title, and moves updated_at on."""
    task_id = await add(client, "Buy milk")
    before = (await client.get(f"/api/tasks/{task_id}")).json()

    after = (await client.patch(f"/api/tasks/{task_id}", json={"completed": True})).json()

    assert after == {**before, "completed": True, "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]


async def test_a_title_can_be_changed(client: AsyncClient) -> None:
    """PATCH with `title` renames, and the change is kept."""
    task_id = await add(client, "Buy milk")

    await client.patch(f"/api/tasks/{task_id}", json={"title": "Buy oat milk"})

    assert (await client.get(f"/api/tasks/{task_id}")).json()["title"] == "Buy oat milk"


async def test_a_deleted_task_is_gone(client: AsyncClient) -> None:
    """DELETE answers 204 once, and 404 after that."""
    task_id = await add(client, "Buy milk")

    statuses = [(await client.delete(f"/api/tasks/{task_id}")).status_code for _ in range(2)]

    assert statuses == [204, 404]
    assert (await client.get("/api/tasks")).json() == []


@pytest.mark.parametrize(("query", "expected"), [("", "abc"), ("?completed=true", "b"), ("?completed=false", "ac")])
async def test_the_list_can_be_filtered(client: AsyncClient, query: str, expected: str) -> None:
    """`completed` chooses; the order is that of adding."""
    ids = [await add(client, title) for title in "abc"]
    await client.patch(f"/api/tasks/{ids[1]}", json={"completed": True})

    assert "".join(task["title"] for task in (await client.get(f"/api/tasks{query}")).json()) == expected


async def test_pages_follow_each_other(client: AsyncClient) -> None:
    """`after` the last id of a page comes the next page."""
    for title in "abc":
        await add(client, title)

    first = (await client.get("/api/tasks?limit=2")).json()
    second = (await client.get(f"/api/tasks?limit=2&after={first[-1]['id']}")).json()

    assert ["".join(task["title"] for task in page) for page in (first, second)] == ["ab", "c"]


WRONG_BODIES = {
    "no title": ({}, "body.title"),
    "empty title": ({"title": " "}, "body.title"),
    "long title": ({"title": "x" * 501}, "body.title"),
    "title of 10 KB": ({"title": "x" * 10_240}, "body.title"),
    "title is a number": ({"title": 5}, "body.title"),
    "title with NUL": ({"title": "a\0b"}, "body.title"),
    "title that is no Unicode text": ({"title": "\ud800"}, "body.title"),
    "unknown member": ({"title": "a", "owner": "b"}, "body.owner"),
    "a list": ([], "body"),
}


@pytest.mark.parametrize(("body", "where"), WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
async def test_a_wrong_body_is_refused_with_the_place(client: AsyncClient, body: object, where: str) -> None:
    """The problem names the member at fault, and nothing is added."""
    content = json.dumps(body)  # in ASCII, so that it can spell what no Unicode text holds
    response = await client.post("/api/tasks", content=content, headers={"content-type": "application/json"})

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert [error["where"] for error in response.json()["errors"]] == [where]
    assert (await client.get("/api/tasks")).json() == []


async def test_a_null_title_is_no_change_but_a_fault(client: AsyncClient) -> None:
    """PATCH cannot take the title away."""
    task_id = await add(client, "Buy milk")

    assert (await client.patch(f"/api/tasks/{task_id}", json={"title": None})).status_code == 422


@pytest.mark.parametrize("content", [b"not json", b"{", b"\xff\xfe"])
async def test_a_body_that_is_not_json_is_a_bad_request(client: AsyncClient, content: bytes) -> None:
    """400, not 422: there is no member to name."""
    response = await client.post("/api/tasks", content=content, headers={"content-type": "application/json"})

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/tasks/1", 404),
        ("PATCH", "/api/tasks/1", 404),
        ("GET", "/api/tasks/9223372036854775807", 404),
        ("GET", "/api/tasks/9223372036854775808", 422),
        ("GET", "/api/tasks/0", 422),
        ("GET", "/api/tasks/one", 422),
        ("GET", "/api/tasks?limit=0", 422),
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/tasks", 405),
    ],
)
async def test_what_is_not_there_is_a_problem(client: AsyncClient, method: str, path: str, status: int) -> None:
    """Each error has the same form, whoever found it."""
    response = await client.request(method, path, json={"completed": True} if method == "PATCH" else None)

    problem = response.json()
    assert (response.status_code, problem["status"]) == (status, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail"} <= problem.keys()

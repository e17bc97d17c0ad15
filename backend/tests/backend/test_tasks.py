"""Tasks over HTTP."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from urllib.parse import quote

import pytest
from httpx2 import AsyncClient

from tests.backend.conftest import TASKS, Environment, bearer

TITLES = ["Buy milk", "🥛" * 500, "買牛乳 🥛", "'); DROP TABLE tasks; --", "<script>alert(1)</script>", "x" * 500]


async def add(client: AsyncClient, title: str) -> int:
    """Add a task and return its id."""
    response = await client.post(TASKS, json={"title": title})
    assert response.status_code == 201, response.text
    task_id: int = response.json()["id"]
    return task_id


async def test_a_new_database_has_no_tasks(client: AsyncClient) -> None:
    """The list is empty, not an error, before the first task."""
    response = await client.get(TASKS)

    assert (response.status_code, response.json()) == (200, [])


async def test_an_added_task_is_returned_with_its_location(client: AsyncClient) -> None:
    """POST returns 201 with the whole task, and Location is its path."""
    response = await client.post(TASKS, json={"title": "  Buy milk "})

    task = response.json()
    assert response.status_code == 201
    assert (task["title"], task["completed"]) == ("Buy milk", False)
    assert datetime.fromisoformat(task["created_at"]).utcoffset() is not None
    assert (await client.get(response.headers["Location"])).json() == task


@pytest.mark.parametrize("title", TITLES)
async def test_a_title_is_stored_unchanged(client: AsyncClient, title: str) -> None:
    """Other scripts, emoji, SQL and HTML are ordinary text."""
    await add(client, title)

    assert [task["title"] for task in (await client.get(TASKS)).json()] == [title]


async def test_a_change_keeps_other_fields(client: AsyncClient) -> None:
    """PATCH with `completed` keeps the title and advances updated_at."""
    task_id = await add(client, "Buy milk")
    before = (await client.get(f"{TASKS}/{task_id}")).json()

    after = (await client.patch(f"{TASKS}/{task_id}", json={"completed": True})).json()

    assert after == {**before, "completed": True, "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]


async def test_a_title_can_be_changed(client: AsyncClient) -> None:
    """PATCH with `title` renames the task permanently."""
    task_id = await add(client, "Buy milk")

    await client.patch(f"{TASKS}/{task_id}", json={"title": "Buy oat milk"})

    assert (await client.get(f"{TASKS}/{task_id}")).json()["title"] == "Buy oat milk"


async def test_a_deleted_task_is_gone(client: AsyncClient) -> None:
    """DELETE returns 204 the first time and 404 after that."""
    task_id = await add(client, "Buy milk")

    statuses = [(await client.delete(f"{TASKS}/{task_id}")).status_code for _ in range(2)]

    assert statuses == [204, 404]
    assert (await client.get(TASKS)).json() == []


@pytest.mark.parametrize(("query", "expected"), [("", "abc"), ("?completed=true", "b"), ("?completed=false", "ac")])
async def test_the_list_can_be_filtered(client: AsyncClient, query: str, expected: str) -> None:
    """`completed` filters; the order is that of creation."""
    ids = [await add(client, title) for title in "abc"]
    await client.patch(f"{TASKS}/{ids[1]}", json={"completed": True})

    assert "".join(task["title"] for task in (await client.get(f"{TASKS}{query}")).json()) == expected


async def test_pages_follow_each_other(client: AsyncClient) -> None:
    """With the last id of a page, `after` returns the next page."""
    for title in "abc":
        await add(client, title)

    first = (await client.get(f"{TASKS}?limit=2")).json()
    second = (await client.get(f"{TASKS}?limit=2&after={first[-1]['id']}")).json()

    assert ["".join(task["title"] for task in page) for page in (first, second)] == ["ab", "c"]


WRONG_BODIES = {
    "no title": ({}, "body.title"),
    "empty title": ({"title": " "}, "body.title"),
    "long title": ({"title": "x" * 501}, "body.title"),
    "title of 10 KB": ({"title": "x" * 10_240}, "body.title"),
    "title is a number": ({"title": 5}, "body.title"),
    "title with NUL": ({"title": "a\0b"}, "body.title"),
    "title that is not Unicode text": ({"title": "\ud800"}, "body.title"),
    "unknown member": ({"title": "a", "owner": "b"}, "body.owner"),
    "a list": ([], "body"),
}


@pytest.mark.parametrize(("body", "where"), WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
async def test_an_invalid_body_is_rejected_with_the_place(client: AsyncClient, body: object, where: str) -> None:
    """The problem names the invalid member, and no task is added."""
    content = json.dumps(body)  # ASCII with escapes, which can spell lone surrogates
    response = await client.post(TASKS, content=content, headers={"content-type": "application/json"})

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert [error["where"] for error in response.json()["errors"]] == [where]
    assert (await client.get(TASKS)).json() == []


async def test_a_null_title_is_rejected(client: AsyncClient) -> None:
    """PATCH cannot remove the title."""
    task_id = await add(client, "Buy milk")

    assert (await client.patch(f"{TASKS}/{task_id}", json={"title": None})).status_code == 422


@pytest.mark.parametrize(
    "content", [b"not json", b"{", b"\xff\xfe", b"[" * 50_000], ids=["words", "half", "no text", "deep"]
)
async def test_a_body_that_is_not_json_is_a_bad_request(client: AsyncClient, content: bytes) -> None:
    """400 and not 422: there is no member to name."""
    response = await client.post(TASKS, content=content, headers={"content-type": "application/json"})

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{TASKS}/1", 404),
        ("PATCH", f"{TASKS}/1", 404),
        ("GET", f"{TASKS}/9223372036854775807", 404),
        ("GET", f"{TASKS}/9223372036854775808", 422),
        ("GET", f"{TASKS}/0", 422),
        ("GET", f"{TASKS}/one", 422),
        ("GET", f"{TASKS}?limit=0", 422),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/ada/nothing", 404),
        ("PUT", TASKS, 405),
    ],
)
async def test_every_error_is_a_problem(client: AsyncClient, method: str, path: str, status: int) -> None:
    """Errors of routing, validation and our own code have the same form."""
    response = await client.request(method, path, json={"completed": True} if method == "PATCH" else None)

    problem = response.json()
    assert (response.status_code, problem["status"]) == (status, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail"} <= problem.keys()


async def test_a_body_of_1_mb_is_too_large(client: AsyncClient) -> None:
    """413 with and without Content-Length, and the next request succeeds."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(16):
            yield b" " * 2**16

    sized = await client.post(TASKS, content=b" " * 2**20)
    chunked = await client.post(TASKS, content=chunks())

    assert [response.status_code for response in (sized, chunked)] == [413, 413]
    assert sized.json()["detail"] == "The body is larger than 65536 bytes"
    assert (await client.get(TASKS)).status_code == 200


async def test_each_user_has_a_list_of_their_own(client: AsyncClient, environment: Environment) -> None:
    """Bob does not see Ada's tasks, and cannot read, change or delete one by its id."""
    task_id = await add(client, "Buy milk")
    bob = bearer(environment.sign_in.token("bob"))

    assert (await client.get("/api/bob/tasks", headers=bob)).json() == []
    for method, body in (("GET", None), ("PATCH", {"completed": True}), ("DELETE", None)):
        response = await client.request(method, f"/api/bob/tasks/{task_id}", headers=bob, json=body)
        assert (response.status_code, response.json()["detail"]) == (404, f"There is no task {task_id}")
    assert (await client.get(f"{TASKS}/{task_id}")).json()["completed"] is False


@pytest.mark.parametrize("user", ["a/../b", "ada' OR '1'='1", "ユーザー", "a?b#c"])
async def test_any_user_id_can_be_in_a_path(client: AsyncClient, environment: Environment, user: str) -> None:
    """Location is correct whatever characters the id has, except for slashes, which no path segment can contain."""
    token = bearer(environment.sign_in.token(user))
    response = await client.post(f"/api/{quote(user, safe='')}/tasks", json={"title": "a"}, headers=token)

    if "/" in user:
        assert response.status_code in {403, 404}
        return
    assert response.status_code == 201
    assert (await client.get(response.headers["Location"], headers=token)).json() == response.json()

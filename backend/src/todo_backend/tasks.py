"""The tasks of a user over HTTP: list, add, read, change, delete."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from todo_backend.database import Database
from todo_backend.identity import PathUser
from todo_backend.tables import Task
from todo_service.fields import LARGEST_ID, TITLE_LENGTH, Text

Title = Annotated[Text, StringConstraints(max_length=TITLE_LENGTH)]


class NewTask(BaseModel):
    """A task to add."""

    model_config = ConfigDict(extra="forbid")

    title: Title


class TaskChange(BaseModel):
    """Changes of a task; fields that are left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    title: Title = ""
    completed: bool = False


class TaskOut(BaseModel):
    """A task in a response. Times are ISO 8601 with an offset from UTC."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    completed: bool
    created_at: datetime
    updated_at: datetime


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


router = APIRouter(prefix="/api/{user_id}/tasks", tags=["tasks"])

AppDatabase = Annotated[Database, Depends(_database)]
TaskId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


@router.get("")
async def list_tasks(
    *,
    user: PathUser,
    database: AppDatabase,
    completed: bool | None = None,
    after: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 500,
) -> list[TaskOut]:
    """Return tasks, oldest first; for the next page, `after` is the last id of this one."""
    query = select(Task).where(Task.user_id == user, Task.id > after).order_by(Task.id).limit(limit)
    if completed is not None:
        query = query.where(Task.completed == completed)

    async def work(session: AsyncSession) -> list[TaskOut]:
        return [TaskOut.model_validate(task) for task in await session.scalars(query)]

    return await database.run(work)


@router.post("", status_code=HTTPStatus.CREATED)
async def add_task(user: PathUser, database: AppDatabase, new: NewTask, response: Response) -> TaskOut:
    """Add a task."""

    async def work(session: AsyncSession) -> TaskOut:
        added = await session.scalars(insert(Task).values(user_id=user, title=new.title).returning(Task))
        return TaskOut.model_validate(added.one())

    task = await database.run(work)
    response.headers["Location"] = f"/api/{quote(user, safe='')}/tasks/{task.id}"
    return task


@router.get("/{task_id}")
async def read_task(user: PathUser, database: AppDatabase, task_id: TaskId) -> TaskOut:
    """Return one task."""
    query = select(Task).where(*_own(user, task_id))

    async def work(session: AsyncSession) -> TaskOut:
        return _found((await session.scalars(query)).one_or_none(), task_id)

    return await database.run(work)


@router.patch("/{task_id}")
async def change_task(user: PathUser, database: AppDatabase, task_id: TaskId, change: TaskChange) -> TaskOut:
    """Change a task."""
    values: dict[str, Any] = change.model_dump(exclude_unset=True)
    statement = update(Task).where(*_own(user, task_id)).values(**values, updated_at=func.now()).returning(Task)

    async def work(session: AsyncSession) -> TaskOut:
        return _found((await session.scalars(statement)).one_or_none(), task_id)

    return await database.run(work)


@router.delete("/{task_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_task(user: PathUser, database: AppDatabase, task_id: TaskId) -> None:
    """Delete a task."""

    async def work(session: AsyncSession) -> None:
        deleted = await session.scalars(delete(Task).where(*_own(user, task_id)).returning(Task.id))
        if deleted.one_or_none() is None:
            raise _missing(task_id)

    await database.run(work)


def _own(user: str, task_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a task of this user: for other users it does not exist."""
    return Task.id == task_id, Task.user_id == user


def _found(task: Task | None, task_id: int) -> TaskOut:
    if task is None:
        raise _missing(task_id)
    return TaskOut.model_validate(task)


def _missing(task_id: int) -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, f"There is no task {task_id}")

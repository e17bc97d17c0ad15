"""Chat over HTTP: what a user says to the assistant, and what was said before."""

import logging
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from todo_backend.assistant import Call, Desk, Turn
from todo_backend.database import Database, DatabaseDownError
from todo_backend.identity import Owner
from todo_backend.models import Conversation, Message
from todo_backend.tasks import LARGEST_ID, Text, UsedDatabase

MESSAGE_LENGTH = 4000
TITLE_LENGTH = 60

REMEMBERED = 20
"""How many turns of a conversation the assistant is shown."""

log = logging.getLogger(__name__)

ConversationId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class NewMessage(BaseModel):
    """Something to say; without a conversation a new one begins."""

    model_config = ConfigDict(extra="forbid")

    message: Annotated[Text, StringConstraints(max_length=MESSAGE_LENGTH)]
    conversation_id: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None


class CallOut(BaseModel):
    """A tool that the assistant called; `failed` where the tool refused, and `result` is then its reason."""

    tool: str
    arguments: dict[str, Any]
    result: Any
    failed: bool

    @classmethod
    def of(cls, call: Call) -> Self:
        """Return a call as it is sent."""
        outcome = call.outcome
        return cls(tool=call.tool, arguments=dict(call.arguments), result=outcome.result, failed=outcome.failed)


class Reply(BaseModel):
    """What the assistant answers."""

    conversation_id: int
    reply: str
    tool_calls: list[CallOut]


class ConversationOut(BaseModel):
    """A conversation as it is sent."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    created_at: datetime
    updated_at: datetime


class MessageOut(BaseModel):
    """One thing that was said, as it is sent."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    role: str
    content: str
    created_at: datetime


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


UsedDesk = Annotated[Desk, Depends(_desk)]

router = APIRouter(prefix="/api/{user_id}", tags=["chat"])


@router.post("/chat")
async def chat(user: Owner, new: NewMessage, database: UsedDatabase, desk: UsedDesk, response: Response) -> Reply:
    """Say something, and get the assistant's answer. No transaction is open while it thinks."""
    conversation, turns = await _heard(database, user, new)
    words, calls = await desk.reply(user, turns)
    try:
        await _kept(database, conversation, words)
    except DatabaseDownError as error:
        # What the tools did is done: an error would have the user ask for it again.
        log.warning("The reply is not kept in conversation %d: %s", conversation, error)
    response.headers["Server-Timing"] = _timing(calls)
    return Reply(conversation_id=conversation, reply=words, tool_calls=[CallOut.of(call) for call in calls])


@router.get("/conversations")
async def list_conversations(
    user: Owner, database: UsedDatabase, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[ConversationOut]:
    """Return the user's conversations, the one that went on last first."""
    query = (
        select(Conversation)
        .where(Conversation.user_id == user)
        .order_by(Conversation.updated_at.desc(), Conversation.id.desc())
        .limit(limit)
    )

    async def work(session: AsyncSession) -> list[ConversationOut]:
        return [ConversationOut.model_validate(one) for one in await session.scalars(query)]

    return await database.run(work)


@router.get("/conversations/{conversation_id}/messages")
async def list_messages(
    *,
    user: Owner,
    database: UsedDatabase,
    conversation_id: ConversationId,
    after: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 500,
) -> list[MessageOut]:
    """Return what was said, in order; the next page is the one `after` the last id of this one."""
    query = (
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.id > after)
        .order_by(Message.id)
        .limit(limit)
    )

    async def work(session: AsyncSession) -> list[MessageOut]:
        await _own(session, user, conversation_id)
        return [MessageOut.model_validate(one) for one in await session.scalars(query)]

    return await database.run(work)


async def _heard(database: Database, user: str, new: NewMessage) -> tuple[int, Sequence[Turn]]:
    """Keep what the user said; return the conversation and its last turns, this one included."""

    async def work(session: AsyncSession) -> tuple[int, Sequence[Turn]]:
        conversation = new.conversation_id
        if conversation is None:
            title = " ".join(new.message.split())[:TITLE_LENGTH]
            begun = insert(Conversation).values(user_id=user, title=title).returning(Conversation.id)
            conversation = (await session.scalars(begun)).one()
        else:
            await _own(session, user, conversation)
        await session.execute(insert(Message).values(conversation_id=conversation, role="user", content=new.message))
        said = select(Message).where(Message.conversation_id == conversation).order_by(Message.id.desc())
        turns = [Turn(one.role, one.content) for one in await session.scalars(said.limit(REMEMBERED))]
        return conversation, turns[::-1]

    return await database.run(work)


async def _kept(database: Database, conversation: int, words: str) -> None:
    """Keep what the assistant said."""

    async def work(session: AsyncSession) -> None:
        await session.execute(insert(Message).values(conversation_id=conversation, role="assistant", content=words))
        await session.execute(update(Conversation).where(Conversation.id == conversation).values(updated_at=func.now()))

    await database.run(work)


async def _own(session: AsyncSession, user: str, conversation: int) -> None:
    """Raise 404 unless the conversation is there and the user's: of another's one does not even learn that it is."""
    query = select(Conversation.id).where(Conversation.id == conversation, Conversation.user_id == user)
    if (await session.scalars(query)).one_or_none() is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"There is no conversation {conversation}")


def _timing(calls: Sequence[Call]) -> str:
    """Return how long each tool took, in ms, as browsers' developer tools show it."""
    return ", ".join(f"{call.tool};dur={call.outcome.seconds * 1000:.1f}" for call in calls)

"""Chat over HTTP: send a message to the assistant, and read earlier conversations."""

import logging
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from todo_backend.assistant import ChatService, ToolCall, Turn
from todo_backend.database import Database
from todo_backend.identity import PathUser
from todo_backend.tables import Conversation, Message
from todo_backend.tasks import AppDatabase
from todo_service.fields import LARGEST_ID, Text
from todo_service.postgresql import DatabaseUnavailableError

MESSAGE_LENGTH = 4000
CONVERSATION_TITLE_LENGTH = 60

CONTEXT_TURNS = 20
"""How many of the last turns the assistant gets to see."""

log = logging.getLogger(__name__)

ConversationId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class NewMessage(BaseModel):
    """A message to the assistant. Without a conversation it starts a new one."""

    model_config = ConfigDict(extra="forbid")

    message: Annotated[Text, StringConstraints(max_length=MESSAGE_LENGTH)]
    conversation_id: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None


class ToolCallOut(BaseModel):
    """A tool that the assistant called. If `failed`, `result` is the error message of the tool."""

    tool: str
    arguments: dict[str, Any]
    result: Any
    failed: bool

    @classmethod
    def of(cls, call: ToolCall) -> Self:
        """Convert a call to what the response contains of it."""
        result = call.result
        return cls(tool=call.tool, arguments=dict(call.arguments), result=result.content, failed=result.failed)


class Reply(BaseModel):
    """The assistant's reply."""

    conversation_id: int
    reply: str
    tool_calls: list[ToolCallOut]


class ConversationOut(BaseModel):
    """A conversation in a response."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    created_at: datetime
    updated_at: datetime


class MessageOut(BaseModel):
    """A message in a response."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    role: str
    content: str
    created_at: datetime


def _chat_service(request: Request) -> ChatService:
    service: ChatService = request.app.state.chat_service
    return service


AppChatService = Annotated[ChatService, Depends(_chat_service)]

router = APIRouter(prefix="/api/{user_id}", tags=["chat"])


@router.post("/chat")
async def chat(
    user: PathUser, new: NewMessage, database: AppDatabase, service: AppChatService, response: Response
) -> Reply:
    """Send a message, and get the reply. No database transaction is open while the assistant works."""
    conversation, turns = await _save_message(database, user, new)
    text, calls = await service.reply(user, turns)
    try:
        await _save_reply(database, conversation, text)
    except DatabaseUnavailableError as error:
        # The tools have done their work: with an error the user would ask for it a second time.
        log.warning("The reply is not saved in conversation %d: %s", conversation, error)
    response.headers["Server-Timing"] = _server_timing(calls)
    return Reply(conversation_id=conversation, reply=text, tool_calls=[ToolCallOut.of(call) for call in calls])


@router.get("/conversations")
async def list_conversations(
    user: PathUser, database: AppDatabase, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[ConversationOut]:
    """Return the user's conversations, the most recently used one first."""
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
    user: PathUser,
    database: AppDatabase,
    conversation_id: ConversationId,
    after: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 500,
) -> list[MessageOut]:
    """Return the messages of a conversation in order; for the next page, `after` is the last id of this one."""
    query = (
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.id > after)
        .order_by(Message.id)
        .limit(limit)
    )

    async def work(session: AsyncSession) -> list[MessageOut]:
        await _require_own(session, user, conversation_id)
        return [MessageOut.model_validate(one) for one in await session.scalars(query)]

    return await database.run(work)


async def _save_message(database: Database, user: str, new: NewMessage) -> tuple[int, Sequence[Turn]]:
    """Save the user's message; return the conversation and its last turns, which include the message."""

    async def work(session: AsyncSession) -> tuple[int, Sequence[Turn]]:
        conversation = new.conversation_id
        if conversation is None:
            title = " ".join(new.message.split())[:CONVERSATION_TITLE_LENGTH]
            statement = insert(Conversation).values(user_id=user, title=title).returning(Conversation.id)
            conversation = (await session.scalars(statement)).one()
        else:
            await _require_own(session, user, conversation)
        await session.execute(insert(Message).values(conversation_id=conversation, role="user", content=new.message))
        latest = select(Message).where(Message.conversation_id == conversation).order_by(Message.id.desc())
        turns = [Turn(one.role, one.content) for one in await session.scalars(latest.limit(CONTEXT_TURNS))]
        return conversation, turns[::-1]

    return await database.run(work)


async def _save_reply(database: Database, conversation: int, text: str) -> None:
    """Save the assistant's reply."""

    async def work(session: AsyncSession) -> None:
        await session.execute(insert(Message).values(conversation_id=conversation, role="assistant", content=text))
        await session.execute(update(Conversation).where(Conversation.id == conversation).values(updated_at=func.now()))

    await database.run(work)


async def _require_own(session: AsyncSession, user: str, conversation: int) -> None:
    """Raise 404 if there is no such conversation or it is another user's, which must not be distinguishable."""
    query = select(Conversation.id).where(Conversation.id == conversation, Conversation.user_id == user)
    if (await session.scalars(query)).one_or_none() is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"There is no conversation {conversation}")


def _server_timing(calls: Sequence[ToolCall]) -> str:
    """Return the value of the header Server-Timing, which browsers' developer tools show: how long each tool took."""
    return ", ".join(f"{call.tool};dur={call.result.seconds * 1000:.1f}" for call in calls)

"""Keeps conversations in the database, in ChatKit's own form."""

from typing import Any
from uuid import uuid4

from chatkit.store import NotFoundError, Store, StoreItemType
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter
from sqlalchemy import delete, literal, tuple_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from todo.chat.models import Conversation, ConversationItem
from todo.columns import UtcDateTime
from todo.database import Database, insert

MAX_PAGE = 100

_any_item: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class Threads:
    """One user's conversations, within the caller's transaction.

    Another user's conversation is none: NotFoundError.
    """

    def __init__(self, session: AsyncSession, user_id: str) -> None:
        self.session = session
        self.user_id = user_id

    async def load(self, thread_id: str) -> ThreadMetadata:
        query = select(Conversation).where(
            col(Conversation.id) == thread_id, col(Conversation.user_id) == self.user_id
        )
        row = (await self.session.exec(query)).one_or_none()
        if row is None:
            raise NotFoundError(thread_id)
        return ThreadMetadata.model_validate(row.thread)

    async def save(self, thread: ThreadMetadata) -> None:
        """Create the conversation, or replace what is known of it."""
        data = thread.model_dump(mode="json", include=set(ThreadMetadata.model_fields))
        changed = await self.session.exec(
            update(Conversation)
            .where(col(Conversation.id) == thread.id, col(Conversation.user_id) == self.user_id)
            .values(thread=data)
        )
        if not changed.rowcount:
            self.session.add(Conversation(id=thread.id, user_id=self.user_id, thread=data))
            await self.session.flush()

    async def page(self, limit: int, after: str | None, order: str) -> Page[ThreadMetadata]:
        key = tuple_(col(Conversation.created_at), col(Conversation.id))
        query = select(Conversation).where(col(Conversation.user_id) == self.user_id)
        if after is not None:
            last = await self.session.get(Conversation, after)
            if last is None or last.user_id != self.user_id:
                raise NotFoundError(after)
            here = tuple_(literal(last.created_at, UtcDateTime), literal(last.id))
            query = query.where(key < here if order == "desc" else key > here)
        limit = max(1, min(limit, MAX_PAGE))
        down = order == "desc"
        query = query.order_by(
            col(Conversation.created_at).desc() if down else col(Conversation.created_at).asc(),
            col(Conversation.id).desc() if down else col(Conversation.id).asc(),
        )
        rows = (await self.session.exec(query.limit(limit + 1))).all()
        return Page(
            data=[ThreadMetadata.model_validate(row.thread) for row in rows[:limit]],
            has_more=len(rows) > limit,
            after=rows[limit - 1].id if len(rows) > limit else None,
        )

    async def items(
        self, thread_id: str, limit: int, after: str | None, order: str
    ) -> Page[ThreadItem]:
        query = select(ConversationItem).where(*self._items_of(thread_id))
        if after is not None:
            position = (
                select(ConversationItem.position)
                .where(*self._items_of(thread_id), col(ConversationItem.id) == after)
                .scalar_subquery()
            )
            where = col(ConversationItem.position)
            query = query.where(where < position if order == "desc" else where > position)
        limit = max(1, min(limit, MAX_PAGE))
        column = col(ConversationItem.position)
        query = query.order_by(column.desc() if order == "desc" else column.asc()).limit(limit + 1)
        rows = (await self.session.exec(query)).all()
        return Page(
            data=[_any_item.validate_python(row.item) for row in rows[:limit]],
            has_more=len(rows) > limit,
            after=rows[limit - 1].id if len(rows) > limit else None,
        )

    async def put(self, thread_id: str, item: ThreadItem) -> None:
        """Append the item, or replace the one with its id in its place."""
        data = item.model_dump(mode="json")
        values = {
            "id": item.id,
            "conversation_id": thread_id,
            "user_id": self.user_id,
            "item": data,
            "created_at": item.created_at.astimezone(),
        }
        await self.session.exec(
            insert(self.session, ConversationItem)
            .values(values)
            .on_conflict_do_update(
                index_elements=[col(ConversationItem.conversation_id), col(ConversationItem.id)],
                set_={"item": data},
                where=col(ConversationItem.user_id) == self.user_id,
            )
        )

    async def item(self, thread_id: str, item_id: str) -> ThreadItem:
        query = select(ConversationItem).where(
            *self._items_of(thread_id), col(ConversationItem.id) == item_id
        )
        row = (await self.session.exec(query)).one_or_none()
        if row is None:
            raise NotFoundError(item_id)
        return _any_item.validate_python(row.item)

    async def remove(self, thread_id: str) -> None:
        await self.session.exec(delete(ConversationItem).where(*self._items_of(thread_id)))
        await self.session.exec(
            delete(Conversation).where(
                col(Conversation.id) == thread_id, col(Conversation.user_id) == self.user_id
            )
        )

    async def remove_item(self, thread_id: str, item_id: str) -> None:
        await self.session.exec(
            delete(ConversationItem).where(
                *self._items_of(thread_id), col(ConversationItem.id) == item_id
            )
        )

    def _items_of(self, thread_id: str) -> list[Any]:
        return [
            col(ConversationItem.conversation_id) == thread_id,
            col(ConversationItem.user_id) == self.user_id,
        ]


class ThreadStore(Store[str]):
    """ChatKit's store. The request context is the user's id; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # The library's own ids have 32 random bits.
    def generate_thread_id(self, context: str) -> str:
        return new_id("thr")

    def generate_item_id(
        self, item_type: StoreItemType, thread: ThreadMetadata, context: str
    ) -> str:
        return new_id(item_type)

    async def load_thread(self, thread_id: str, context: str) -> ThreadMetadata:
        async with self.database.transaction() as session:
            return await Threads(session, context).load(thread_id)

    async def save_thread(self, thread: ThreadMetadata, context: str) -> None:
        async with self.database.transaction() as session:
            await Threads(session, context).save(thread)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: str
    ) -> Page[ThreadMetadata]:
        async with self.database.transaction() as session:
            return await Threads(session, context).page(limit, after, order)

    async def delete_thread(self, thread_id: str, context: str) -> None:
        async with self.database.transaction() as session:
            await Threads(session, context).remove(thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: str
    ) -> Page[ThreadItem]:
        async with self.database.transaction() as session:
            return await Threads(session, context).items(thread_id, limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: str) -> None:
        async with self.database.transaction() as session:
            await Threads(session, context).put(thread_id, item)

    async def save_item(self, thread_id: str, item: ThreadItem, context: str) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: str) -> ThreadItem:
        async with self.database.transaction() as session:
            return await Threads(session, context).item(thread_id, item_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: str) -> None:
        async with self.database.transaction() as session:
            await Threads(session, context).remove_item(thread_id, item_id)

    # Attachments are not offered, so none can be named.
    async def save_attachment(self, attachment: Attachment, context: str) -> None:
        raise NotFoundError(attachment.id)

    async def load_attachment(self, attachment_id: str, context: str) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: str) -> None:
        raise NotFoundError(attachment_id)


def new_id(prefix: str) -> str:
    """A new id with 122 random bits."""
    return f"{prefix}_{uuid4().hex}"

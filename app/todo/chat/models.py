"""The tables of conversations. Their contents are ChatKit's threads and thread items, as JSON."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from todo.columns import BigIdentity, UtcDateTime, now


class Conversation(SQLModel, table=True):
    """One conversation of one user: a ChatKit thread."""

    __table_args__ = (Index("ix_conversation_user_created", "user_id", "created_at", "id"),)

    id: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(max_length=255)
    thread: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ConversationItem(SQLModel, table=True):
    """One item of a conversation; ``position`` is their order."""

    __tablename__ = "conversation_item"
    __table_args__ = (
        UniqueConstraint("conversation_id", "id", name="uq_conversation_item_conversation_id"),
        Index("ix_conversation_item_order", "conversation_id", "position"),
    )

    position: int | None = Field(default=None, primary_key=True, sa_type=BigIdentity)
    id: str = Field(max_length=64)
    conversation_id: str = Field(
        sa_column=Column(
            String(64), ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False
        )
    )
    user_id: str = Field(max_length=255)
    item: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

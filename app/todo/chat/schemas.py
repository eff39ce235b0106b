"""The chat's forms on the wire."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, Field, StringConstraints

MESSAGE_LENGTH = 4000


class ChatIn(BaseModel):
    """A message; without ``conversation_id`` it begins a conversation."""

    conversation_id: Annotated[str | None, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")] = None
    message: Annotated[
        str,
        StringConstraints(
            min_length=1, max_length=MESSAGE_LENGTH, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$"
        ),
    ]


class ToolCall(BaseModel):
    """A tool that the model called, with what it wrote and what it was told (JSON as text)."""

    event: ClassVar[str] = "tool_call"

    name: str
    arguments: str
    output: str | None = None


class ChatOut(BaseModel):
    conversation_id: str
    response: str
    tool_calls: list[ToolCall]


class TextDelta(BaseModel):
    """The next part of the answer's text."""

    event: ClassVar[str] = "text"
    text: str

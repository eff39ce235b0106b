"""What the model sees of a conversation."""

from collections.abc import Sequence

from agents import TResponseInputItem
from chatkit.agents import ThreadItemConverter
from chatkit.types import AssistantMessageItem, ThreadItem

HISTORY = 30  # items, counted from the newest


class _Converter(ThreadItemConverter):
    async def assistant_message_to_input(self, item: AssistantMessageItem) -> TResponseInputItem:
        # As plain text: the library's own form is for the Responses API alone.
        text = "".join(content.text for content in item.content)
        return {"type": "message", "role": "assistant", "content": text}


_converter = _Converter()


async def messages_of(items: Sequence[ThreadItem]) -> list[TResponseInputItem]:
    """The newest items of a conversation, oldest first, as input for the agent."""
    messages: list[TResponseInputItem] = await _converter.to_agent_input(items[-HISTORY:])
    return messages

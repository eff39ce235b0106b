"""A load that goes on while the server ends, and counts what becomes of each request."""

import asyncio
import json
from dataclasses import dataclass

from tests.app import bearer

CONNECT_TIMEOUT = 2.0  # seconds
ANSWER_TIMEOUT = 30.0  # seconds


@dataclass
class Tally:
    """What became of the requests."""

    answered: int = 0
    refused: int = 0
    """No connection came about: the client knows that nothing has happened, and goes elsewhere."""
    cut: int = 0
    """Sent on a connection that the server had accepted, and never answered in full."""
    statuses: frozenset[int] = frozenset()

    def __str__(self) -> str:
        sent = self.answered + self.cut
        return f"sent {sent}, answered {self.answered}, cut {self.cut}, refused {self.refused}"


class Flood:
    """Clients that create tasks one after the other until no connection is to be had any more.

    Half of them keep their connection as long as the server does; the others open one for each
    request.
    """

    def __init__(self, port: int, user: str, clients: int = 16) -> None:
        self.port = port
        self.tally = Tally()
        self.under_way = asyncio.Event()
        """Set when every client may have had some answers."""
        self._clients = clients
        body = json.dumps({"title": "under load"}).encode()
        self._request = (
            f"POST /api/{user}/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {bearer.token(user)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        ).encode()
        self._body = body

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self._clients):
                group.create_task(self._client(keep=number % 2 == 0))

    async def _client(self, *, keep: bool) -> None:
        while (connection := await self._connect()) is not None:
            reader, writer = connection
            going_on = True
            # A connection that the server has closed in the meantime is no accepted request.
            while going_on and not reader.at_eof():
                going_on = await self._ask(reader, writer, keep=keep)
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                return await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:  # TimeoutError is one
            self.tally.refused += 1
            return None

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keep: bool
    ) -> bool:
        """Whether the connection serves for another request."""
        end = b"\r\n" if keep else b"Connection: close\r\n\r\n"
        try:
            writer.write(self._request + end + self._body)
            async with asyncio.timeout(ANSWER_TIMEOUT):
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.split(b"content-length:")[1].split(b"\r\n")[0]
                await reader.readexactly(int(length))
        except (OSError, EOFError):
            self.tally.cut += 1
            return False
        self.tally.answered += 1
        if self.tally.answered > 3 * self._clients:
            self.under_way.set()
        self.tally.statuses |= {int(head[9:12])}
        return b"connection: close" not in head

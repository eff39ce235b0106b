"""A name server on the loopback that hears every question and answers when it is told to."""

import contextlib
import socket
import struct
import threading

_A = 1  # the type of a question for an IPv4 address (RFC 1035, 3.2.2)


class NameServer(contextlib.AbstractContextManager["NameServer"]):
    """Port 53 of `address`; silent until `answer` is set.

    Attributes:
        address: the server's own, apart from what a machine's resolver may use.
        answer: the IPv4 address that every name has from now on; other types have no records.
        asked: whether any question has come.
    """

    address = "127.53.53.53"

    def __init__(self) -> None:
        self.answer: str | None = None
        self.asked = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, 53))
        self._socket.settimeout(0.2)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "NameServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                question, sender = self._socket.recvfrom(512)
                self.asked = True
                if self.answer is not None:
                    self._socket.sendto(_reply(question, self.answer), sender)


def _reply(message: bytes, address: str) -> bytes:
    """The answer to a message with one question (RFC 1035, 4.1)."""
    end = message.index(0, 12) + 5  # the name, its type and its class
    (kind,) = struct.unpack("!H", message[end - 4 : end - 2])
    records = b""
    if kind == _A:
        # The name is the question's, at offset 12; class IN, no caching, 4 bytes.
        records = struct.pack("!HHHIH", 0xC00C, _A, 1, 0, 4) + socket.inet_aton(address)
    header = message[:2] + struct.pack("!5H", 0x8180, 1, bool(records), 0, 0)
    return header + message[12:end] + records

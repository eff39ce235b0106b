"""Stops listening without losing a connection that the kernel has accepted already.

A connection is the client's as soon as the kernel has answered its SYN; a process takes it from a
queue later. Who closes the listening socket resets all that are in the queue, and while it is
merely left alone, as by uvicorn's supervisor until it ends, connections go on being accepted that
nobody will ever answer. So first no further SYN is let in, and then the queue is emptied.

All workers and the supervisor have one and the same socket, so what is done to it in one of them
holds for all.
"""

import contextlib
import ctypes
import socket
import struct
import sys
from collections.abc import Sequence

# Of Linux, and missing in Python's socket module.
SO_ATTACH_FILTER = 26
SO_DETACH_FILTER = 27
TCP_INFO_SIZE = 104
TCP_INFO_QUEUED = 24  # where tcpi_unacked is: of a listening socket the length of its queue

# A classic BPF program over the TCP header: drop a SYN, pass everything else.
_DROP_SYN = (
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # pass
)


class Listener:
    """Listening TCP sockets. Elsewhere than on Linux none of this has an effect."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._sockets = [
            each
            for each in sockets
            if sys.platform == "linux" and each.family in (socket.AF_INET, socket.AF_INET6)
        ]

    def close_door(self) -> None:
        """Leave further SYNs unanswered; their senders repeat them after a second."""
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *op) for op in _DROP_SYN))
        program = struct.pack("HP", len(_DROP_SYN), ctypes.addressof(code))
        for each in self._sockets:
            each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def open_door(self) -> None:
        """Answer SYNs again, whoever has closed the door."""
        for each in self._sockets:
            with contextlib.suppress(OSError):  # it was open
                each.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)

    def queued(self) -> int:
        """How many connections the kernel has accepted and no process yet."""
        total = 0
        for each in self._sockets:
            state = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
            total += struct.unpack_from("I", state, TCP_INFO_QUEUED)[0]
        return total

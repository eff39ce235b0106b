"""Stops listening without losing a connection that the kernel has accepted already.

A connection is the client's as soon as the kernel has answered its SYN; a process takes it from a
queue later. Who closes the listening socket resets all that are in the queue, and while it is
merely left alone, as by uvicorn's supervisor until it ends, connections go on being accepted that
nobody will ever answer. So first no further SYN is let in, and then the queue is emptied.

The door is the least time to live (hop limit) that a packet must have (RFC 5082): with the greatest
there is, the kernel drops whatever has come over a router or from a sender that begins with less,
as all of today's systems do. Unlike a packet filter it needs no privilege.

All workers and the supervisor have one and the same socket, so what is done to it in one of them
holds for all.
"""

import contextlib
import socket
import struct
import sys
from collections.abc import Iterable

# Of Linux, and missing in Python's socket module.
LEAST_TTL = {
    socket.AF_INET: (socket.IPPROTO_IP, 21),  # IP_MINTTL
    socket.AF_INET6: (socket.IPPROTO_IPV6, 73),  # IPV6_MINHOPCOUNT
}
ANY, GREATEST = 0, 255
TCP_INFO_SIZE = 104
TCP_INFO_QUEUED = 24  # where tcpi_unacked is: of a listening socket the length of its queue


def _tcp(sockets: Iterable[socket.socket]) -> list[socket.socket]:
    """Those of the sockets that this is for. Elsewhere than on Linux there are none."""
    return [each for each in sockets if sys.platform == "linux" and each.family in LEAST_TTL]


def close_door(listening: Iterable[socket.socket]) -> None:
    """Leave further SYNs unanswered; their senders repeat them after a second."""
    for each in _tcp(listening):
        each.setsockopt(*LEAST_TTL[each.family], GREATEST)


def open_door(sockets: Iterable[socket.socket]) -> None:
    """Take packets again.

    Of listening sockets, and of connections, which inherit it when their handshake ends after the
    door was closed.
    """
    for each in _tcp(sockets):
        with contextlib.suppress(OSError):  # a connection that is closed already
            each.setsockopt(*LEAST_TTL[each.family], ANY)


def queued(listening: Iterable[socket.socket]) -> int:
    """How many connections the kernel has accepted and no process yet."""
    total = 0
    for each in _tcp(listening):
        state = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
        total += struct.unpack_from("I", state, TCP_INFO_QUEUED)[0]
    return total

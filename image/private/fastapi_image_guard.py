"""Bounds what uvicorn keeps of requests that its application hasn't seen yet. Part of every image.

httptools has no limit on a request's head, and uvicorn none on what it reads ahead: any client can
fill the memory of a process with a header that doesn't end. h11, uvicorn's other parser, has a
limit, but with it a request takes two to three times the processor's time (bench/parsers.py).

A .pth file beside this module has Python import it at its start. All it does then is to wait until
uvicorn imports the module that is guarded, so a process that serves nothing pays for this file
alone. uvicorn takes a protocol by `--http`, too, but not before 0.36, and a worker of gunicorn has
no such option.

Environment:
    REQUEST_HEAD_LIMIT  most bytes of a request line with its headers, and of a chunked body's
                        extensions or trailers; default 65536
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

GUARDED = "uvicorn.protocols.http.httptools_impl"
VARIABLE = "REQUEST_HEAD_LIMIT"
DEFAULT = 65536  # bytes
FIELDS = 256  # headers and trailers: an empty one is 4 bytes on the wire and 130 in memory
QUEUED = 32  # pipelined requests that wait for the one before them: some KB each, however short
ANSWER = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


class Finder:
    """Finds one module, as Python would by itself, and has it guarded once it is executed."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != GUARDED:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                guard(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def head_limit() -> int:
    """The environment's, or the default, with a line in the log, where that is no size."""
    text = os.environ.get(VARIABLE) or str(DEFAULT)
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if limit > 0:
        return limit
    import logging

    line = f"{VARIABLE} must be a number of bytes, such as {DEFAULT}, which holds now: {text!r}"
    logging.getLogger("uvicorn.error").warning(line)
    return DEFAULT


def guard(module: Any) -> None:
    """Replaces the protocol of uvicorn's module by one with limits."""
    limit = head_limit()

    class HttpToolsProtocol(module.HttpToolsProtocol):  # type: ignore[misc]
        unread = 0  # bytes since the parser last got to the end of a head, a body's piece or a body
        in_body = False  # or in its trailers
        refused = False

        def data_received(self, data: bytes) -> None:
            self.unread += len(data)
            if self.unread < limit and not self.refused:
                super().data_received(data)
                return
            # In pieces, each of which ends where the limit would be reached without any progress.
            self.unread -= len(data)
            start = 0
            while start < len(data) and not self.refused:
                piece = data[start : start + limit - self.unread]
                start += len(piece)
                self.unread += len(piece)
                super().data_received(piece)
                if self.transport.is_closing() or self.transport.get_protocol() is not self:
                    return  # a WebSocket's now: uvicorn drops the rest
                if self.unread >= limit:
                    self.refuse()

        def on_header(self, name: bytes, value: bytes) -> None:
            super().on_header(name, value)
            if len(self.headers) > FIELDS:
                self.refuse()
                raise ValueError(name)  # ends the parsing

        def on_headers_complete(self) -> None:
            self.unread = 0
            self.in_body = True
            super().on_headers_complete()
            if len(self.pipeline) > QUEUED:
                self.in_body = False
                self.refuse()
                raise ValueError(self.url)

        def on_body(self, body: bytes) -> None:
            self.unread = 0
            super().on_body(body)

        def on_message_complete(self) -> None:
            self.unread = 0
            self.in_body = False
            super().on_message_complete()

        def send_400_response(self, msg: str) -> None:
            if not self.refused:
                super().send_400_response(msg)

        def refuse(self) -> None:
            """Takes no more of this connection, and closes it once what came before is answered."""
            self.refused = True
            self.logger.warning("Too large a request head, or too many at once: refused.")
            if self.in_body:
                self.transport.close()
            elif self.cycle is None or self.cycle.response_complete:
                self.transport.write(ANSWER)
                self.transport.close()
            else:
                self.flow.pause_reading()
                self.cycle.keep_alive = False

    HttpToolsProtocol.__qualname__ = "HttpToolsProtocol"
    HttpToolsProtocol.__module__ = module.__name__
    module.HttpToolsProtocol = HttpToolsProtocol


sys.meta_path.insert(0, Finder)

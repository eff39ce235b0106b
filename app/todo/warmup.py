"""Loads the heavy SDKs before somebody waits for them.

The SDKs of the agent, of ChatKit and of MCP take about two seconds and 60 MB in each worker. A
start that imported them would not be ready for that long, and a service that nobody uses would
hold the memory. So: once the worker serves, their files are read into the page cache (no memory of
the process); and the first authenticated request, whatever it asks for, starts the import in a
thread. With ``WARM_UP=start`` that thread starts without waiting for a request. Either way a
request that needs the SDKs before the thread is through waits for the rest of it and no longer,
and no time limit counts that.
"""

import asyncio
import contextvars
import gc
import importlib
import logging
import os
import threading
from importlib.util import find_spec
from pathlib import Path

SDK_PACKAGES = (
    "agents",
    "openai",
    "chatkit",
    "mcp",
    "mcp_types",
    "httpx2",
    "httpcore2",
    "jsonschema",
)
SDK_MODULES = ("todo.chat.turn", "todo.chat.kit", "todo.tools")

logger = logging.getLogger("todo.warmup")


class Warmup:
    """The import of the SDKs: begun at most once, awaited by who needs it."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> asyncio.Task[None]:
        """Start the import in a thread, if it has not been started."""
        if self._task is None:
            # In a context of its own: it is not the work of the request that happens to begin it.
            work = asyncio.to_thread(_import_sdks)
            self._task = asyncio.create_task(work, context=contextvars.Context())
        return self._task

    async def done(self) -> None:
        """Wait until the SDKs are there. Raises what their import raised."""
        await asyncio.shield(self.begin())


def read_ahead() -> None:
    """Ask the kernel, from a thread of its own, to read the SDKs' files into its page cache."""
    threading.Thread(target=_advise, name="read-ahead", daemon=True).start()


def _advise() -> None:
    for package in SDK_PACKAGES:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for path in Path(folder).rglob("*.pyc"):
                try:
                    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                except OSError:
                    continue
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED)
                os.close(file)


def _import_sdks() -> None:
    for module in SDK_MODULES:
        importlib.import_module(module)
    # All of it stays. A full collection that looks at it again stops the worker for 0.15 s.
    gc.freeze()
    logger.info("the SDKs are loaded")

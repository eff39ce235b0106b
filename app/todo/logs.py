"""Structured logs: one JSON object a line on standard error, with the id of the request.

`configure` is for the workers. The same configuration is in ``logging.json`` for uvicorn's
supervisor, which reads it when ``UVICORN_LOG_CONFIG`` names it; so only the standard library is
imported here. It says ``propagate`` because without that variable uvicorn has loaded its own
configuration before, which switches it off.
"""

import json
import logging
import logging.config
import sys
import time
from collections.abc import MutableMapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

CONFIG_FILE = Path(__file__).parent.parent / "logging.json"

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that this task serves."""

# What a LogRecord has without `extra=`; anything else was passed by the caller.
_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "color_message"}


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON (RFC 8259), its time as RFC 3339 in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identifier := request_id.get():
            line["request_id"] = identifier
        line |= {name: value for name, value in vars(record).items() if name not in _RECORD_FIELDS}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure() -> None:
    """Make every logger of this process write JSON lines."""
    config: MutableMapping[str, Any] = json.loads(CONFIG_FILE.read_text(encoding="utf-8"))
    logging.config.dictConfig(dict(config))
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    logging.getLogger("todo").critical("uncaught exception", exc_info=(kind, error, trace))

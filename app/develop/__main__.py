"""Runs the backend for development: reload, SQLite, a scripted local model; no account needed.

``python -m develop [--port 8000]`` in the folder ``app``. The model understands "add …", "list",
"complete N" and "delete N".
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import jwt
import uvicorn

from develop.scripted_model import Reply, create_app

APP = Path(__file__).resolve().parent.parent
SECRET = "development-secret-that-is-no-secret"  # noqa: S105
ISSUER = "http://localhost:3000"
TOKEN_LIFE = 30 * 86_400  # seconds


async def script(body: dict[str, Any]) -> Reply:
    """The model: a few words of English."""
    last = body["messages"][-1]
    message = text_of(last["content"]).strip()
    if last["role"] == "tool":
        return Reply(text=f"Done: {message}")
    patterns: list[tuple[str, str, str]] = [
        (r"add (?P<title>.+)", "add_task", "title"),
        (r"(?:complete|finish) (?P<task_id>\d+)", "complete_task", "task_id"),
        (r"delete (?P<task_id>\d+)", "delete_task", "task_id"),
    ]
    for pattern, tool, name in patterns:
        if match := re.fullmatch(pattern, message, re.IGNORECASE):
            value = match[name]
            return Reply(calls=[(tool, {name: int(value) if name == "task_id" else value})])
    if "list" in message.lower():
        return Reply(calls=[("list_tasks", {})])
    return Reply(text="I understand: add …, list, complete N, delete N.")


def text_of(content: str | list[dict[str, str]]) -> str:
    """A message's text, which comes as a string or in parts."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def serve_model(port: int) -> None:
    """Serve the scripted model in a thread, for as long as this process lives."""
    config = uvicorn.Config(create_app(script), port=port, log_level="warning")
    server = uvicorn.Server(config)
    threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True).start()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8000)
    options.add_argument("--model-port", type=int, default=8001)
    options.add_argument("--database", type=Path, default=Path(tempfile.gettempdir()) / "todo.db")
    chosen = options.parse_args()

    settings = {
        "NEON_DATABASE_URL": f"sqlite+aiosqlite:///{chosen.database.absolute()}",
        "OPENAI_API_KEY": "sk-development",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{chosen.model_port}/v1",
        "BETTER_AUTH_SECRET": SECRET,
        "BETTER_AUTH_URL": ISSUER,
        "PYTHONPATH": os.pathsep.join([str(APP), *sys.path]),
    }
    environment = os.environ | settings
    migrate = [sys.executable, "-m", "alembic", "upgrade", "head"]
    if code := subprocess.run(migrate, cwd=APP, env=environment, check=False).returncode:
        return code  # it has said why
    serve_model(chosen.model_port)

    expiry = int(time.time()) + TOKEN_LIFE
    claims = {"sub": "dev", "iss": ISSUER, "aud": ISSUER, "exp": expiry}
    url = f"http://{chosen.host}:{chosen.port}"
    print(f"The backend: {url}  (OpenAPI: {url}/openapi.json)")
    print(f"A token for the user dev: {jwt.encode(claims, SECRET, algorithm='HS256')}")
    print(f"The database: {chosen.database}", flush=True)
    server = [sys.executable, "-m", "uvicorn", "main:app", "--reload", "--host", chosen.host]
    server += ["--port", str(chosen.port), "--app-dir", str(APP), "--reload-dir", str(APP)]
    return subprocess.run(server, cwd=APP, env=environment, check=False).returncode


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit(130) from None

"""Prometheus metrics, gathered over all worker processes.

They are served at ``/metrics`` only where ``METRICS_TOKEN`` is set, to bearers of that token
(Prometheus: ``authorization.credentials_file``): the port is public, and one port for everything
needs no second listener that only one of the workers could have.

Each process keeps its figures in memory-mapped files below a folder of the server's own in the
temporary directory, and the worker that is asked adds them up (prometheus_client's multiprocess
mode).
"""

import hmac
import os
import tempfile
from pathlib import Path

from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from todo.problems import Problem, documented


class Metrics:
    """The figures of this process, and all processes' figures as text."""

    def __init__(self) -> None:
        """Raises OSError where the temporary directory can't be written."""
        # Workers of one supervisor share its process id; one process alone uses its own parent's.
        folder = Path(tempfile.gettempdir()) / f"todo-metrics-{os.getppid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        # Read when prometheus_client is imported, so it comes first.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        from prometheus_client import Counter, Histogram

        self._requests = Counter(
            "http_requests", "Requests answered", ["method", "route", "status"]
        )
        self._seconds = Histogram(
            "http_request_duration_seconds", "Time to the end of the answer", ["method", "route"]
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> tuple[bytes, str]:
        """The exposition and its media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST


def router(metrics: Metrics, token: SecretStr) -> APIRouter:
    """The route of the metrics, for bearers of ``token``."""
    routes = APIRouter(tags=["operations"])
    expected = f"Bearer {token.get_secret_value()}"

    @routes.get("/metrics", response_class=Response, responses=documented(401))
    async def read_metrics(request: Request) -> Response:
        """The metrics of all workers in Prometheus's text format."""
        if not hmac.compare_digest(
            request.headers.get("authorization", "").encode(), expected.encode()
        ):
            raise Problem(
                401, "The metrics' own token is needed.", headers={"WWW-Authenticate": "Bearer"}
            )
        body, media_type = metrics.text()
        return Response(body, media_type=media_type)

    return routes

"""The API against its own OpenAPI document: schemathesis makes the requests."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from develop.scripted_model import Reply
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.app import bearer
from tests.app.client import create
from tests.app.model import ModelServer
from tests.app.service import Service

EXAMPLES = 40  # for each operation
USER = f"user-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def document(service: Service) -> dict[str, Any]:
    with service.client() as client:
        loaded: dict[str, Any] = client.get("/openapi.json").json()
        return loaded


@pytest.fixture(scope="session")
def api(document: dict[str, Any], service: Service) -> Any:
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=service.url)
    # Every request here bears a valid token; test_tokens.py has the others.
    schema.config.generation.update(with_security_parameters=False)
    return schema


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


def test_every_operation_keeps_its_promise(
    api: Any, service: Service, model: ModelServer, subtests: pytest.Subtests
) -> None:
    """With valid and with invalid requests, on paths of a user's own."""

    def new_task() -> int:
        with service.client(USER) as client:
            return int(str(create(client, USER, title="to be tried")["id"]))

    model.say(forever=Reply(text="An answer."))
    tried = 0
    for found in api.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            with subtests.test(operation=operation.label, mode=mode.value):
                tried += _try(operation, mode, new_task)
    print(f"\nschemathesis: {tried} cases")
    assert tried > 500


def _try(operation: Any, mode: GenerationMode, new_task: Callable[[], int]) -> int:
    """Make requests for one operation; returns how many."""
    cases = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,  # the same requests each time
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        nonlocal cases
        # A repeated parameter is no error in FastAPI: the last one counts.
        assume(not any(isinstance(value, list) for value in case.query.values()))
        cases += 1
        if "user_id" in case.path_parameters:
            case.path_parameters["user_id"] = USER
        if mode is GenerationMode.POSITIVE and "task_id" in case.path_parameters:
            case.path_parameters["task_id"] = new_task()
            if operation.method == "put":  # else hardly one names the version that there is
                case.headers["If-Match"] = '"1"'
        case.call_and_validate(headers=bearer.headers(USER), checks=CHECKS)

    try:
        run()
    except Unsatisfiable:
        # A request without parameters and body can't be invalid.
        assert mode is GenerationMode.NEGATIVE
    return cases


def test_the_document_says_who_may_come_in(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["HTTPBearer"]["scheme"] == "bearer"
    for path, item in document["paths"].items():
        for operation in item.values():
            assert ("security" in operation) == (
                path not in ("/health", "/ready", "/version", "/metrics")
            )

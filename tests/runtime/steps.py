"""What several of these tests do first."""

import os
from pathlib import Path

import yaml
from load import host, layout
from load.engine import Engine

from tests.app.model import ModelServer
from tests.app.postgres import Postgres
from tests.runtime.engines import run_command
from tests.runtime.server import SECRETS, variables

ENGINE = os.environ["ENGINE"]


def figure(text: str) -> None:
    print(f"\nFIGURE {ENGINE} {text}")


def with_database(postgres: Postgres) -> dict[str, str]:
    return SECRETS | {"NEON_DATABASE_URL": postgres.url(postgres.create_database())}


def with_model(model: ModelServer) -> dict[str, str]:
    model.reset()
    limits = {"CHAT_LIMIT_PER_MINUTE": "1000", "RATE_LIMIT_PER_MINUTE": "100000"}
    return limits | {"OPENAI_BASE_URL": model.url}


def deployed_memory() -> str:
    """The limit of //deploy, in the engines' words."""
    deployment = yaml.safe_load(Path("deploy/base/deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return str(container["resources"]["limits"]["memory"]).replace("Mi", "m")


def migrate(engine: Engine, image: layout.Image, folder: Path, settings: dict[str, str]) -> None:
    """As the Job of //deploy does."""
    options = ("--network=host", "--entrypoint=alembic")
    words = run_command(
        engine, image, *options, env_file=variables(folder, settings), command="upgrade head"
    )
    done = host.run(words)
    assert done.returncode == 0, done.stderr.decode()

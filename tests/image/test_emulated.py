"""The other CPU's image, started: what test_start.py does on this machine's own."""

import json
from pathlib import Path

from tests.image.base.layout import Layout
from tests.image.container import Container, ask

SECRETS = {
    "NEON_DATABASE_URL": "postgresql://todo:fake-password@127.0.0.1:1/none",
    "OPENAI_API_KEY": "sk-fake",
    "BETTER_AUTH_SECRET": "fake-secret-of-32-bytes-or-so-here",
}


def test_the_cpu_is_the_images(container: Container, image: Layout) -> None:
    says = "import platform, sysconfig; print(platform.machine(), sysconfig.get_platform())"
    done = container.run("python", "-c", says)
    cpu = {"amd64": "x86_64", "arm64": "aarch64"}[image.config["architecture"]]
    assert done.stdout.split() == [cpu, f"linux-{cpu}"], done.stderr


def test_it_answers(container: Container, image: Layout, tmp_path: Path) -> None:
    """One worker, which is the server's own process: an emulator can't start another."""
    config = image.config["config"]
    (program,) = config["Entrypoint"]
    command = [container.program(program), *config["Cmd"], "--workers=1"]
    log = tmp_path / "server.log"
    with container.running("python", *command, log=log, **SECRETS) as process:
        status, body, seconds = ask(process, "/health", 300)
    print(f"FIGURE start to /health, emulated: {seconds:.1f} s")
    assert (status, json.loads(body)["status"]) == (200, "ok"), log.read_text()

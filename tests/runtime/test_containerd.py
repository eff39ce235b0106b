"""The image under containerd alone, as a node runs it: `ctr` in place of the kubelet."""

import os
import time
from pathlib import Path

import httpx2
from load import layout
from load.containerd import Containerd
from load.names import complete

from tests.app.postgres import free_port
from tests.runtime.server import SECRETS, listen, variables

NAME = f"todo-backend-{os.getpid()}"
_CAPABILITIES = (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP"
    " SETGID SETPCAP SETUID SYS_CHROOT"  # what containerd gives a container by itself
)


def test_it_starts_restricted_and_ends_at_sigterm(
    engine: Containerd, loaded: layout.Image, tmp_path: Path
) -> None:
    port = free_port()
    # `ctr` takes whole command lines only.
    command = ["uvicorn", *listen(port).split()]
    limits = ["--read-only", f"--memory-limit={256 << 20}", "--net-host"]
    limits += [f"--cap-drop=CAP_{name}" for name in _CAPABILITIES.split()]
    limits += ["--mount=type=tmpfs,src=tmpfs,dst=/tmp,options=nosuid:nodev:noexec:mode=1777"]
    settings = ["--env-file", variables(tmp_path, SECRETS)]
    image = complete("todo-backend:latest")
    start = time.monotonic()
    engine.ctr("run", "--detach", *limits, *settings, image, NAME, *command)
    try:
        while True:
            try:
                assert httpx2.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200
                break
            except httpx2.TransportError:
                assert time.monotonic() - start < 30
                time.sleep(0.05)
        print(f"\nFIGURE containerd run to /health: {time.monotonic() - start:.2f} s")
        ((_, pid, state),) = _tasks(engine)
        assert state == "RUNNING"
        status = Path(f"/proc/{pid}/status").read_text()
        assert "Uid:\t65532\t65532\t65532\t65532" in status
        assert "NoNewPrivs:\t1" in status
        assert "CapBnd:\t0000000000000000" in status
        engine.ctr("task", "kill", "--signal=SIGTERM", NAME)
        start = time.monotonic()
        while _tasks(engine)[0][2] != "STOPPED":
            assert time.monotonic() - start < 30
            time.sleep(0.1)
        print(f"FIGURE containerd SIGTERM to end: {time.monotonic() - start:.2f} s")
    finally:
        engine.ctr("task", "delete", "--force", NAME)
        engine.ctr("container", "delete", NAME)


def _tasks(engine: Containerd) -> list[list[str]]:
    """Name, process id and state of the container's task."""
    rows = [line.split() for line in engine.ctr("task", "ls").splitlines()]
    return [row for row in rows if row[0] == NAME]

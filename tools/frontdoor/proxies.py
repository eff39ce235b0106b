"""The proxies that only apt knows of: Bazel fetches from the same mirror, and through the same."""

from __future__ import annotations

import os


def from_apt(etc: str = "/etc/apt") -> dict[str, str]:
    """http_proxy and https_proxy as apt is configured, where the environment has none itself."""
    schemes = [
        scheme
        for scheme in ("http", "https")
        if not any(os.environ.get(name) for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper()))
    ]
    # apt-config takes longer than all the rest of a warm start: asked only where it can matter.
    if not schemes or not any("proxy" in _text(path).lower() for path in _files(etc)):
        return {}
    import subprocess

    found = {}
    for scheme in schemes:
        command = ["apt-config", "shell", "VALUE", f"Acquire::{scheme}::Proxy"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        address = run.stdout.strip().removeprefix("VALUE=").strip("'")
        if address and address != "DIRECT":
            found[f"{scheme}_proxy"] = address
    return found


def _files(etc: str) -> list[str]:
    folder = os.path.join(etc, "apt.conf.d")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [os.path.join(etc, "apt.conf"), *(os.path.join(folder, name) for name in names)]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""

#!/usr/bin/python3 -IS
"""In place of tools/bazel: its image depends on what the file `depends` names."""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

COMMAND = next(word for word in sys.argv[1:] if not word.startswith("-"))


def surroundings() -> dict[str, str]:
    umask = os.umask(0)
    os.umask(umask)
    return {
        "umask": f"{umask:o}",
        "path": str(Path.cwd()),
        "user": f"{os.getuid()}",
        "zone": os.environ.get("TZ", ""),
        "home": os.environ["HOME"],
        "hash seed": os.environ.get("PYTHONHASHSEED", ""),
        "language": os.environ.get("LC_ALL", ""),
        "cpus": str(len(os.sched_getaffinity(0))),
    }


def write(path: Path, content: str) -> str:
    """Writes the file and returns its digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return hashlib.sha256(content.encode()).hexdigest()


def blob(layout: Path, document: object) -> str:
    """Writes a blob as Bazel has those that another action made: a link."""
    made = layout.parent / "made"
    digest = write(made / "blob", json.dumps(document))
    (made / "blob").rename(made / digest)
    (layout / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    (layout / "blobs/sha256" / digest).symlink_to(made / digest)
    return f"sha256:{digest}"


def build() -> None:
    depends = Path("depends").read_text().strip()
    if depends == "failure":
        sys.exit("Loading: \nERROR: no such thing as //image\nERROR: another line")
    if depends == "for ever":
        try:
            write(Path.home().parents[1] / "began", "")
            for _ in range(600):  # a signal just before one long sleep would be seen only after it
                time.sleep(0.1)
        except KeyboardInterrupt:
            write(Path.home().parents[2] / "was-interrupted", "")
            sys.exit(8)
    seen = surroundings()
    (output,) = (w.partition("=")[2] for w in sys.argv if w.startswith("--output_user_root="))
    folder = Path(output, "bin")
    layout = folder / "image/image"
    config = blob(layout, {"Env": [seen.get(depends, "")]})
    manifest = blob(layout, {"config": {"digest": config}, "layers": []})
    write(layout / "index.json", json.dumps({"manifests": [{"digest": manifest}]}))
    write(folder / "image/bill.json", "{}")
    write(folder / "image/artifacts.txt", "image/image image/bill.json\n")
    write(folder / "tools/surroundings.json", json.dumps(seen))
    Path("bazel-bin").symlink_to(folder)
    layout.chmod(0o500)  # as Bazel does with the folders that actions made
    account(seen.get(depends, ""))
    print("[1 / 2] Image", file=sys.stderr)


def account(dependence: str) -> None:
    """With a cache: which of two actions come from it, one by what the image depends on."""
    given = {word.partition("=")[0]: word.partition("=")[2] for word in sys.argv}
    if not given["--disk_cache"]:
        return
    said = ""
    for name, content in (("constant", ""), ("dependent", dependence)):
        key = hashlib.sha256(content.encode()).hexdigest()
        known = Path(given["--disk_cache"], key + name)
        action = {
            "mnemonic": "Layer",
            "targetLabel": f"//image:{name}",
            "commandArgs": ["layer"],
            "listedOutputs": [f"{name}.tar.gz"],
            "inputs": [{"path": "python/os.pyc", "digest": {"hash": key}}],
            "cacheHit": known.exists(),
        }
        known.touch()
        said += json.dumps(action, indent=2)
    Path(given["--execution_log_json_file"]).write_text(said + "\n")


if __name__ == "__main__":
    if COMMAND == "build":
        build()
    elif COMMAND == "shutdown":
        write(Path.home() / "was-shut-down", "")

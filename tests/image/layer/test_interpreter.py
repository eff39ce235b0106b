"""interpreter.py: is the program there that the virtual environment links to?"""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from layer.errors import LayerError
from layer.interpreter import run
from layer.options import Options

PROGRAM = "/usr/local/bin/python3.13"


def entry(name: str, link: str = "", mode: int = 0o755, kind: bytes = b"") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind or (tarfile.SYMTYPE if link else tarfile.REGTYPE)
    member.linkname = link
    member.mode = mode
    return member


def check(folder: Path, *layers: list[tarfile.TarInfo], home: str = "/usr/local/bin") -> None:
    """Runs the sub-command on a base of these layers."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> dict[str, str]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}"}

    descriptors = []
    for members in layers:
        output = io.BytesIO()
        with tarfile.open(fileobj=output, mode="w:gz") as tar:
            for member in members:
                tar.addfile(member)
        descriptors.append(blob(output.getvalue()))
    manifest = blob(json.dumps({"layers": descriptors}).encode())
    (folder / "index.json").write_text(json.dumps({"manifests": [manifest]}))
    run(Options([f"--layout={folder}", f"--home={home}", f"--output={folder / 'checked'}"]))
    assert (folder / "checked").read_bytes() == b""


GOOD = {
    "a file": [entry("usr/local/bin/python3.13")],
    "with a dot": [entry("./usr/local/bin/python3.13")],
    "a link": [
        entry("usr/local/bin/python3.13", "../../bin/python3.13"),
        entry("usr/bin/python3.13"),
    ],
    "an absolute link": [entry("usr/local/bin/python3.13", "/opt/python"), entry("opt/python")],
    "a folder that is a link": [entry("usr/local", "../opt"), entry("opt/bin/python3.13")],
    "above the root": [entry("usr/local/bin/python3.13", "../../../../../p"), entry("p")],
}


@pytest.mark.parametrize("case", GOOD)
def test_it_is_there(tmp_path: Path, case: str) -> None:
    check(tmp_path, GOOD[case])


BAD: dict[str, list[list[tarfile.TarInfo]]] = {
    "nothing": [[]],
    "another version": [[entry("usr/local/bin/python3.12")]],
    "a link to nothing": [[entry("usr/local/bin/python3.13", "../../bin/python3.13")]],
    "a circle": [[entry("usr/local/bin/python3.13", "python3.13")]],
    "a folder": [[entry("usr/local/bin/python3.13", kind=tarfile.DIRTYPE)]],
    "no program": [[entry("usr/local/bin/python3.13", mode=0o644)]],
    "deleted above": [[entry("usr/local/bin/python3.13")], [entry("usr/local/bin/.wh.python3.13")]],
    "its folder deleted above": [[entry("usr/local/bin/python3.13")], [entry("usr/.wh.local")]],
    "all deleted above": [[entry("usr/local/bin/python3.13")], [entry(".wh..wh..opq")]],
}


@pytest.mark.parametrize("case", BAD)
def test_it_is_not_there(tmp_path: Path, case: str) -> None:
    with pytest.raises(LayerError) as caught:
        check(tmp_path, *BAD[case])
    assert str(caught.value) == (
        f"the base image {tmp_path} has no program {PROGRAM}: take one with this Python, or "
        "correct python_home"
    )
    assert not (tmp_path / "checked").exists()


def test_deleted_and_brought_again(tmp_path: Path) -> None:
    program = entry("usr/local/bin/python3.13")
    check(tmp_path, [program], [entry("usr/local/bin/.wh..wh..opq"), program])


def test_another_home(tmp_path: Path) -> None:
    check(tmp_path, [entry("opt/python/bin/python3.13")], home="/opt/python/bin")


def test_layers_in_zstd_are_not_looked_into(tmp_path: Path) -> None:
    with pytest.raises(LayerError):
        check(tmp_path, [])
    for blob in (tmp_path / "blobs/sha256").iterdir():
        if blob.read_bytes()[:2] == b"\x1f\x8b":
            blob.write_bytes(b"\x28\xb5\x2f\xfd")
    options = [f"--layout={tmp_path}", "--home=/usr/local/bin", f"--output={tmp_path}/checked"]
    run(Options(options))
    assert (tmp_path / "checked").exists()

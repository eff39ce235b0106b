"""bytecode.py: what a base lacks, after all its layers have been applied to each other."""

import hashlib
import io
import json
import random
import tarfile
from pathlib import Path

import pytest
from layer.bytecode import entries
from layer.errors import LayerError

LIB = "usr/local/lib/python3.13/"


def layout(folder: Path, layers: list[dict[str, bytes]], mode: str = "w:gz") -> str:
    """Writes an OCI image layout with these files in its layers."""

    def blob(content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (folder / "blobs/sha256" / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    descriptors = []
    for files in layers:
        output = io.BytesIO()
        with tarfile.open(fileobj=output, mode=mode) as tar:  # type: ignore[call-overload]
            for path, content in files.items():
                member = tarfile.TarInfo(path)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        descriptors.append(blob(output.getvalue()))
    manifest = blob(json.dumps({"layers": descriptors}).encode())
    (folder / "index.json").write_text(json.dumps({"manifests": [manifest]}))
    return str(folder)


def names(path: str) -> list[str]:
    return [entry.path.removeprefix(LIB) for entry in entries(path)]


def test_only_the_librarys_sources_without_bytecode(tmp_path: Path) -> None:
    base = layout(
        tmp_path,
        [
            {
                f"./{LIB}os.py": b"name = 'posix'\n",
                f"{LIB}json/__init__.py": b"",
                f"{LIB}re.py": b"",
                f"{LIB}__pycache__/re.cpython-313.pyc": b"there already",
                f"{LIB}test/bad.py": b"def (:\n",
                f"{LIB}LICENSE.txt": b"text",
                "usr/bin/tool.py": b"",
            }
        ],
    )
    assert names(base) == [
        "json/__pycache__/__init__.cpython-313.pyc",
        "__pycache__/os.cpython-313.pyc",
    ]
    assert b"/usr/local/lib/python3.13/os.py" in list(entries(base))[1].content()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_upper_layers_delete_and_replace(tmp_path: Path, mode: str) -> None:
    base = layout(
        tmp_path,
        [
            {f"{LIB}a.py": b"", f"{LIB}b.py": b"old = 1", f"{LIB}x/c.py": b"", f"{LIB}y/d.py": b""},
            {
                f"{LIB}.wh.a.py": b"",
                f"{LIB}b.py": b"new = 1",
                f"{LIB}.wh.x": b"",
                f"{LIB}y/.wh..wh..opq": b"",
                f"{LIB}y/e.py": b"",
            },
        ],
        mode,
    )
    assert names(base) == ["__pycache__/b.cpython-313.pyc", "y/__pycache__/e.cpython-313.pyc"]
    assert b"new" in next(entries(base)).content()


def test_layers_of_another_compression(tmp_path: Path) -> None:
    base = layout(tmp_path, [{f"{LIB}a.py": b""}])
    for blob in (tmp_path / "blobs/sha256").iterdir():
        if blob.read_bytes()[:2] == b"\x1f\x8b":
            blob.write_bytes(b"\x28\xb5\x2f\xfd zstd")
    with pytest.raises(LayerError, match=r"is no plain or gzip tar; pin a base whose layers.*$"):
        names(base)


def test_a_damaged_layer(tmp_path: Path) -> None:
    base = layout(tmp_path, [{f"{LIB}a.py": random.Random(1).randbytes(50_000)}])
    for blob in (tmp_path / "blobs/sha256").iterdir():
        if blob.read_bytes()[:2] == b"\x1f\x8b":
            blob.write_bytes(blob.read_bytes()[:20_000])
    with pytest.raises(LayerError, match="is damaged, or is no plain or gzip tar"):
        names(base)


@pytest.mark.parametrize("index", ["{", "[]", '{"manifests": 1}', '{"manifests": [{"digest": 1}]}'])
def test_what_is_no_layout(tmp_path: Path, index: str) -> None:
    (tmp_path / "index.json").write_text(index)
    with pytest.raises(LayerError, match="is no OCI image layout: "):
        names(str(tmp_path))


def test_an_index_of_several_images(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"manifests": [{}, {}]}')
    with pytest.raises(LayerError, match=r"holds 2 images, not one; name one platform's"):
        names(str(tmp_path))

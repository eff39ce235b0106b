"""The tool behind the rules_oci stand-in: what the matrix of images does not reach."""

import hashlib
import json
import pathlib
from typing import Any

import pytest
from oci_tool import archive, descriptor, digest, image, index, layout, link

LAYERS = pathlib.Path("tests/registry/layers")


def make_image(output: pathlib.Path, **spec: Any) -> layout.Json:
    """Build an image and return its configuration."""
    platform = {} if "base" in spec else {"platform": {"architecture": "amd64", "os": "linux"}}
    image.build({"output": str(output), "layers": [], **platform, **spec})  # type: ignore[typeddict-item]
    manifest = manifest_of(output)
    return layout.read_json(layout.blob_path(str(output), manifest["config"]["digest"]))


def manifest_of(output: pathlib.Path) -> layout.Json:
    return layout.read_json(
        layout.blob_path(str(output), layout.top_descriptor(str(output))["digest"])
    )


def described(tmp_path: pathlib.Path, layer: pathlib.Path) -> list[str]:
    """A layer and its description, for an image."""
    description = tmp_path / f"{layer.name}.json"
    descriptor.main([str(layer), str(description), "//a:layer"])
    return [str(layer), str(description)]


def write(path: pathlib.Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


class TestJson:
    @pytest.mark.parametrize(
        ("document", "text"),
        [
            ({}, "{}"),
            ({"a": [], "b": {}}, '{\n  "a": [],\n  "b": {}\n}'),
            ("ä\u007f\u0001\t", '"ä\\u007f\\u0001\\t"'),
            ([9007199254740993, None, True], "[\n  9007199254740993,\n  null,\n  true\n]"),
        ],
    )
    def test_printed_as_jq_does(self, document: object, text: str) -> None:
        assert layout.dump(document).decode() == text

    @pytest.mark.parametrize("text", ["", "[1]", "{"])
    def test_file_without_an_object(self, text: str, tmp_path: pathlib.Path) -> None:
        path = write(tmp_path / "config", text)
        with pytest.raises(ValueError, match=str(tmp_path)):
            layout.read_json(path)


class TestDescriptor:
    @pytest.mark.parametrize(
        ("name", "compression", "like"),
        [
            ("plain.tar", "", "plain.tar"),
            ("gzip.tgz", "gzip", None),
            ("members.tar.gz", "gzip", None),
            ("gzip_in_disguise.tar", "gzip", None),
            ("zstd.tar.zst", "zstd", None),
        ],
    )
    def test_formats(self, name: str, compression: str, like: str | None) -> None:
        result = descriptor.describe(str(LAYERS / name), "//a:b")
        assert result["compression"] == compression
        assert result["size"] == (LAYERS / name).stat().st_size
        data = (LAYERS / name).read_bytes()
        assert result["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert (result["diff_id"] == result["digest"]) == (like is not None)
        assert result["history"]["created_by"] == "bazel build //a:b"

    @pytest.mark.parametrize("data", [b"\x1f\x8b", b"\x1f\x8b\x08\x00garbage", b"\x28\xb5\x2f\xfd"])
    def test_broken_layer(self, data: bytes, tmp_path: pathlib.Path) -> None:
        path = tmp_path / "layer.tar"
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"^layer //a:b: "):
            descriptor.describe(str(path), "//a:b")

    def test_cut_gzip(self, tmp_path: pathlib.Path) -> None:
        path = tmp_path / "layer.tar.gz"
        path.write_bytes((LAYERS / "gzip.tgz").read_bytes()[:-4])
        with pytest.raises(ValueError, match="ends too early"):
            descriptor.describe(str(path), "//a:b")

    def test_no_zstd_program(self, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(ValueError, match="needs the program zstd on PATH"):
            descriptor.describe(str(LAYERS / "zstd.tzst"), "//a:b")


class TestEnvironment:
    @pytest.mark.parametrize(
        ("base", "text", "result"),
        [
            (["A=1"], "A=2", ["A=2"]),
            (["A=1", "B=2"], "C=3\nA=4\n", ["A=4", "B=2", "C=3"]),
            (["A=1"], "B=$A-${A}-$A}-${A", ["A=1", "B=1-1-1-1"]),
            ([], "A=1\nB=$A\nA=$B$B\n", ["A=11", "B=1"]),
            (["A=1", "A=2"], "B=$A", ["A=1", "A=2", "B=12"]),
            ([], "A=$NOBODY.", ["A=."]),
            (["BARE"], "", ["BARE="]),
            # As the real module has it: an empty line is a variable without a name.
            ([], "A=1\n\nB=2", ["A=1", "=", "B=2"]),
            (["A=line\n"], "B=$A", ["A=line\n", "B=line"]),
        ],
    )
    def test_merge(
        self, base: list[str], text: str, result: list[str], tmp_path: pathlib.Path
    ) -> None:
        assert image.environment(base, write(tmp_path / "env", text)) == result


class TestImage:
    def test_order_of_the_settings(self, tmp_path: pathlib.Path) -> None:
        values = {
            name: write(tmp_path / name, "a=b")
            for name in ("labels", "env", "volumes", "exposed_ports", "cmd", "entrypoint")
        }
        config = make_image(tmp_path / "out", **values, workdir="/", user="1")
        expected = "Cmd Entrypoint ExposedPorts Volumes Env Labels User WorkingDir"
        assert list(config["config"]) == expected.split()

    def test_null_members_of_a_base(self, tmp_path: pathlib.Path) -> None:
        """Docker writes null for what is empty."""
        base = tmp_path / "base"
        config = layout.dump({"config": None, "rootfs": None, "history": None})
        blob = layout.put_blob(str(base), config)
        manifest = {"config": {"digest": blob, "data": "e30="}, "layers": None, "annotations": None}
        data = layout.dump(manifest)
        layout.write_index(
            str(base),
            {"mediaType": layout.MANIFEST_TYPE, "digest": layout.put_blob(str(base), data)},
        )
        layout.write(f"{base}/oci-layout", b"{}")
        output = tmp_path / "out"
        result = make_image(
            output,
            base=str(base),
            layers=[described(tmp_path, LAYERS / "plain.tar")],
            labels=write(tmp_path / "labels", "a=b"),
            annotations=write(tmp_path / "annotations", "c=d"),
        )
        assert result["config"] == {"Labels": {"a": "b"}}
        assert len(result["rootfs"]["diff_ids"]) == len(result["history"]) == 1
        made = manifest_of(output)
        assert made["annotations"] == {"c": "d"}
        assert "data" not in made["config"]

    def test_base_is_an_index(self, tmp_path: pathlib.Path) -> None:
        make_image(tmp_path / "image")
        index.build({"output": str(tmp_path / "index"), "images": [str(tmp_path / "image")]})
        with pytest.raises(ValueError, match=r"index\.v1\+json: name the image of one platform"):
            make_image(tmp_path / "out", base=str(tmp_path / "index"))

    def test_base_lacks_a_layer(self, tmp_path: pathlib.Path) -> None:
        layers = [described(tmp_path, LAYERS / "plain.tar")]
        make_image(tmp_path / "base", layers=layers)
        layer = manifest_of(tmp_path / "base")["layers"][0]["digest"]
        pathlib.Path(layout.blob_path(str(tmp_path / "base"), layer)).unlink()
        with pytest.raises(ValueError, match=f"lacks its layer {layer}"):
            make_image(tmp_path / "out", base=str(tmp_path / "base"))

    @pytest.mark.parametrize("manifests", [[], [{}, {}]])
    def test_base_of_none_or_several(
        self, manifests: list[layout.Json], tmp_path: pathlib.Path
    ) -> None:
        layout.write(f"{tmp_path}/base/index.json", layout.dump({"manifests": manifests}))
        with pytest.raises(ValueError, match=f"it names {len(manifests)}$"):
            make_image(tmp_path / "out", base=str(tmp_path / "base"))

    def test_specification(self, tmp_path: pathlib.Path) -> None:
        spec = {"output": str(tmp_path / "out"), "layers": [], "platform": {"os": "linux"}}
        image.main([json.dumps(spec)])
        assert (tmp_path / "out" / "index.json").exists()


class TestIndex:
    def test_annotations(self, tmp_path: pathlib.Path) -> None:
        make_image(tmp_path / "image")
        annotations = write(tmp_path / "annotations", "b=1=2\n\na=ü\n")
        output = str(tmp_path / "index")
        images = [str(tmp_path / "image")]
        index.build({"output": output, "images": images, "annotations": annotations})
        made = manifest_of(tmp_path / "index")
        assert made["annotations"] == {"b": "1=2", "a": "ü"}
        assert list(made) == ["schemaVersion", "mediaType", "manifests", "annotations"]

    def test_index_of_an_index(self, tmp_path: pathlib.Path) -> None:
        make_image(tmp_path / "image")
        index.build({"output": str(tmp_path / "one"), "images": [str(tmp_path / "image")]})
        with pytest.raises(ValueError, match="an index holds images"):
            index.build({"output": str(tmp_path / "two"), "images": [str(tmp_path / "one")]})


class TestArchive:
    @pytest.mark.parametrize(
        ("kind", "message"),
        [("oci", "format oci is for an oci_image_index"), ("tar", "unknown format 'tar'")],
    )
    def test_format(self, kind: str, message: str, tmp_path: pathlib.Path) -> None:
        make_image(tmp_path / "image")
        tags = write(tmp_path / "tags", "a:b")
        spec: archive.Spec = {"image": str(tmp_path / "image"), "repo_tags": tags, "format": kind}
        with pytest.raises(ValueError, match=message):
            archive.main([json.dumps(spec), str(tmp_path / "out.tar")])

    def test_header_of_a_large_file(self) -> None:
        """From 8 GiB on the size is in an extended header (POSIX.1-2001, pax)."""
        assert len(archive.header("blobs/x", 1 << 33)) > len(archive.header("blobs/x", 1 << 20))


def test_digest(tmp_path: pathlib.Path) -> None:
    make_image(tmp_path / "image")
    digest.main([str(tmp_path / "image"), str(tmp_path / "digest")])
    expected = layout.top_descriptor(str(tmp_path / "image"))["digest"]
    assert (tmp_path / "digest").read_text() == expected + "\n"


def test_link(tmp_path: pathlib.Path) -> None:
    make_image(tmp_path / "image")
    files = [str(path) for path in (tmp_path / "image").rglob("*") if path.is_file()]
    link.main([str(tmp_path / "linked"), str(tmp_path / "image"), *files])
    assert layout.top_descriptor(str(tmp_path / "linked")) == layout.top_descriptor(
        str(tmp_path / "image")
    )
    assert all(path.is_symlink() for path in (tmp_path / "linked").rglob("*") if path.is_file())

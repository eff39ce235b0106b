"""An artifact that refers to an image is what the OCI specifications say."""

import json
from pathlib import Path

from bill import artifact
from bill.layout import Layout

from tests.sbom.layouts import layout


def test_the_subject_is_the_image(tmp_path: Path) -> None:
    image = layout(tmp_path / "image", [])
    bill = tmp_path / "sbom.json"
    bill.write_bytes(b"{}\n")
    for name in ("one", "two"):
        artifact.run(
            [
                f"--image={image}",
                f"--file={bill}",
                "--media-type=application/spdx+json",
                f"--output={tmp_path / name}",
            ]
        )
    descriptor = json.loads((tmp_path / "one/index.json").read_bytes())["manifests"][0]
    blobs = tmp_path / "one/blobs"
    manifest = json.loads((blobs / descriptor["digest"].replace(":", "/")).read_bytes())
    assert manifest["subject"]["digest"] == Layout(image).digest
    assert manifest["artifactType"] == "application/spdx+json"
    # The content of the image specification's "Guidance for an Empty Descriptor".
    assert manifest["config"] == {
        "mediaType": "application/spdx+json",
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "size": 2,
    }
    layer = manifest["layers"][0]
    assert (blobs / layer["digest"].replace(":", "/")).read_bytes() == bill.read_bytes()
    one = {path.relative_to(tmp_path / "one"): path for path in (tmp_path / "one").rglob("*")}
    for path, content in one.items():
        if content.is_file():
            assert (tmp_path / "two" / path).read_bytes() == content.read_bytes()

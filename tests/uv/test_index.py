"""The loopback index serves what a package index must."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.uv.index import make_wheel, serve, sha256


def test_serves_a_project_page_and_its_files(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "two-words", "1.0")
    with serve(tmp_path) as index:
        page = urllib.request.urlopen(f"{index.url}/two-words/").read().decode()  # noqa: S310
        assert f'/files/{wheel.name}#sha256={sha256(wheel)}"' in page
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{index.url}/other/")  # noqa: S310

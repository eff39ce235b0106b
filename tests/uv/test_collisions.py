"""collisions.py: no two distributions own one path with different content."""

import subprocess
import sys
from pathlib import Path

from uv.private.collisions import collision


def listing(folder: Path, name: str, *lines: str) -> tuple[str, Path]:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return name, path


def test_names_the_path_and_both_owners(tmp_path: Path) -> None:
    problem = collision(
        [
            listing(
                tmp_path, "first", f"{'a' * 64} 1 lib/same", f"{'b' * 64} 1 lib/with space/x.py"
            ),
            listing(tmp_path, "other", f"{'c' * 64} 1 lib/other"),
            listing(
                tmp_path, "second", f"{'a' * 64} 1 lib/same", f"{'d' * 64} 1 lib/with space/x.py"
            ),
        ]
    )
    assert problem is not None
    assert problem.startswith(
        "first and second both install lib/with space/x.py, with different content"
    )


def test_equal_content_is_shared(tmp_path: Path) -> None:
    lines = [f"{'a' * 64} 0 lib/ns/__init__.py"]
    assert (
        collision([listing(tmp_path, "first", *lines), listing(tmp_path, "second", *lines)]) is None
    )


def test_a_collision_leaves_no_output(tmp_path: Path) -> None:
    listings = [
        listing(tmp_path, "a", f"{'a' * 64} 1 x"),
        listing(tmp_path, "b", f"{'b' * 64} 1 x"),
    ]
    command = [sys.executable, "uv/private/collisions.py", str(tmp_path / "out")]
    command += [str(part) for pair in listings for part in pair]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("a and b both install x")
    assert not (tmp_path / "out").exists()

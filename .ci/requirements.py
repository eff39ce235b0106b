"""Check that every test that image/README.md names is there, and that no requirement is missing.

A test is named by its file and function: `test_config.py::test_port` is in tests/image, another
folder is named with it. A target is named as `stability:stability_test`, below tests/image.
"""

import re
import sys
from pathlib import Path

TABLE = Path("image/README.md")
REQUIREMENTS = [f"FR-{n:03}" for n in range(1, 14)] + [f"SC-{n:03}" for n in range(1, 9)]


def problem(name: str) -> str | None:
    """What is wrong with a test's name, if anything."""
    path, _, function = name.partition("::")
    if target := re.fullmatch(r"(\w+):(\w+_test)", name):
        build = Path("tests/image", target[1], "BUILD.bazel")
        # A list comprehension may make the target: each_bump_{}_test.
        made = re.sub(r"linux_\w+64", "{}", target[2])
        texts = (f'"{target[2]}"', f'"{made}"')
        found = build.is_file() and any(text in build.read_text("utf-8") for text in texts)
        return None if found else f"there is no target //{build.parent}:{target[2]}"
    file = Path(path) if path.startswith("tests/") else Path("tests/image", path)
    if not file.is_file():
        return f"there is no {file}"
    if function and not re.search(rf"def {function}\(", file.read_text("utf-8")):
        return f"{file} has no {function}"
    return None


def main() -> int:
    text = TABLE.read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| **")]
    problems = [f"{each} has no row" for each in REQUIREMENTS if f"| **{each}**" not in text]
    for row in rows:
        for name in re.findall(r"`([\w/]+\.(?:py|yaml)(?:::\w+)?|\w+:\w+_test)`", row):
            if what := problem(name):
                problems.append(f"{row.split('**')[1]}: {what}")
    for each in problems:
        print(f"{TABLE}: {each}; correct the table or bring the test back", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""Read a lock with uv: `__main__.py REQUEST.json` prints a JSON object.

Or it prints one line to standard error, and exits with 1.

The module extension runs this on the interpreter of the base. The request:

    uv                path of the uv binary
    libraries         paths of the wheels of `packaging` and `tomli`
    project           folder of pyproject.toml: a project, or a member of a workspace
    lock              path of uv.lock
    home              an empty folder, uv's home
    python            the Python of the image, such as 3.13
    pythons           those that the project allows, for messages
    platforms         name → {"uv": uv's name of it, "arch": of a wheel's tag, "glibc": its minor
                      version, "oci": for messages}
    runtime           {"package", "extras", "groups", "default_groups"}: what `runtime` is
    sets              name → the same, for further sets

The answer:

    distributions     id → {"name", "version", "artifacts": platform → artifact}
    platforms         platform → {"requires": set → id → ids, "sets": name → ids or
                      {"error": sentence}}
    primary           name → id: which one `@pypi//<name>` is
    requirements      text of a requirements file with hashes
    indexes           `NAME ADDRESS` of each [[tool.uv.index]], without credentials
    watch             files that this was read from

An artifact is {"kind": "wheel" or "sdist", "file", "sha256", "url" or "path"}, {"kind": "git",
"url", "commit", "subdirectory"}, {"kind": "directory", "path"}, or {"kind": "none", "error":
sentence}.
"""

import json
import sys
from pathlib import Path

# Started as a script: its package's root is one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reader.errors import ReadError


def main() -> None:
    """Command line: see the module's docstring."""
    request = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    sys.path.extend(request["libraries"])
    from reader.read import read  # which needs the libraries

    try:
        answer = read(request)
    except ReadError as error:
        sys.exit(" ".join(str(error).split()))
    json.dump(answer, sys.stdout, sort_keys=True)


if __name__ == "__main__":
    main()

"""The test that `uv_lock_test` makes: a lock fits its pyproject.toml, by uv's own judgement.

    lock_test.py --uv UV --remedy COMMAND [--network] LOCK FILE...

LOCK and the FILEs, pyproject.toml of the project and of every member first of all, are paths below
the working folder. Prints one line and exits with 1 when the lock does not fit or can't be judged.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from uv.private.lock import UNREADABLE, LockError, lock
from uv.private.lock_form import WHEELHOUSE, local_sources, with_wheelhouse
from uv.private.pinned_uv import UvError, environment

# Who may write the lock says nothing of whether it fits.
_REQUIRED_VERSION = re.compile(
    r"""^([ \t]*required-version[ \t]*=)[ \t]*(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE
)


class DoesNotFitError(Exception):
    """The lock does not fit, or can't be judged; the message is for the user."""


def judge(
    uv: str,
    root: Path,
    files: list[Path],
    env: Mapping[str, str],
    *,
    remedy: str = "uv lock",
    network: bool = False,
) -> None:
    """DoesNotFitError unless the lock, the first of the files, fits the project of the others.

    `files` are relative to `root` and stay as they are: uv looks at copies. `remedy` is the command
    that writes the lock.
    """
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary, "copy")
        for file in files:
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / file, copy / file)
            if file.name in ("pyproject.toml", "uv.toml"):
                text = (copy / file).read_bytes().decode("utf-8", "surrogateescape")
                text = _REQUIRED_VERSION.sub(r'\1 ">=0"', text)
                (copy / file).write_bytes(text.encode("utf-8", "surrogateescape"))
        folder = (copy / files[0]).parent
        _check_sources(files[0], folder, remedy)
        options = _stand_in(folder)
        if not network:
            options.append("--offline")
            env = {**env, "HOME": temporary, "XDG_CONFIG_DIRS": temporary}
        try:
            lock(uv, folder, ["--check", "--verbose", *options], env)
        except LockError as error:
            raise DoesNotFitError(str(error)) from None
        except UvError as error:
            raise DoesNotFitError(_sentence(files[0], error, remedy)) from None


def _check_sources(name: Path, folder: Path, remedy: str) -> None:
    """DoesNotFitError when a folder or file that the lock names is not among the copies."""
    text = (folder / "uv.lock").read_bytes().decode("utf-8", "replace")
    for source in local_sources(text):
        path = folder / source
        if os.path.normpath(name.parent / source).startswith(os.pardir):
            raise DoesNotFitError(
                f"{name} names {source}, which lies outside of the Bazel workspace, where no test "
                "sees it. Move it inside, or leave this test out and run `uv lock --check`."
            )
        if not path.is_file() and not (path / "pyproject.toml").is_file():
            raise DoesNotFitError(
                f"{name} names {source}, which the test does not see. If it is still part of the "
                f"project, add it (of a folder, pyproject.toml) to `srcs`; if not, run `{remedy}`."
            )


def _stand_in(folder: Path) -> list[str]:
    """Puts an empty folder where the lock names folders of wheels; returns uv's options for it."""
    path = folder / "uv.lock"
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    text, folders = with_wheelhouse(text)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    for each in folders:  # [tool.uv] find-links may name it, too
        if not Path(each).is_absolute():
            (folder / each).mkdir(parents=True, exist_ok=True)
    if not folders:
        return []
    (folder / WHEELHOUSE).mkdir(exist_ok=True)
    return [f"--find-links={WHEELHOUSE}"]


def _sentence(name: Path, error: UvError, remedy: str) -> str:
    if error.misfit:
        return f"{name} does not fit pyproject.toml: {error.misfit}. Run `{remedy}`."
    if "network was disabled" in error.said:
        return (
            f"{name} can't be judged offline, as a build backend has to say what a project "
            "requires. List it in pyproject.toml instead of `dynamic`, or set `network = True`."
        )
    if re.search(UNREADABLE, str(error)):
        return f"{name} can't be read: {error}. Run `{remedy}`."
    return f"{name} can't be judged: {error}."


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description="Whether a lock fits its pyproject.toml.")
    parser.add_argument("--uv", required=True)
    parser.add_argument("--remedy", required=True)
    parser.add_argument("--network", action="store_true")
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    uv = str(Path(arguments.uv).absolute())
    env = environment(os.environ)
    try:
        judge(
            uv,
            Path.cwd(),
            arguments.files,
            env,
            remedy=arguments.remedy,
            network=arguments.network,
        )
    except DoesNotFitError as error:
        sys.exit(str(error))
    print(f"{arguments.files[0]} fits pyproject.toml.")


if __name__ == "__main__":
    main()

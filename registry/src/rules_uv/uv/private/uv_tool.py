"""Runs uv for one target: `uv_tool.py create|sync|compile|check RUNFILES SPEC ARGUMENT…`.

SPEC is the runfiles path of a JSON with what the rule was given; paths in it are runfiles paths.
"""

import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any

Spec = dict[str, Any]


def run(root: str, spec: Spec, *arguments: str) -> None:
    """Run uv; SystemExit when it fails, which it has explained itself."""
    code = subprocess.call([os.path.join(root, spec["uv"]), *arguments])
    if code:
        verb = " ".join(arguments[: 2 if arguments[0] == "pip" else 1])
        raise SystemExit(f"rules_uv: uv {verb} ended with exit code {code}")


def python_of(root: str, spec: Spec) -> str:
    """The toolchain's interpreter by its real path, which outlives the runfiles."""
    return os.path.realpath(os.path.join(root, spec["python"]))


def destination_of(spec: Spec, arguments: list[str]) -> str:
    """Absolute path of the virtual environment; ValueError for one that cannot be meant."""
    if len(arguments) > 1:
        raise ValueError("one argument at most: the path of the virtual environment")
    wanted = (arguments[0] if arguments else "") or str(spec["destination"])
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not workspace:
        raise ValueError("BUILD_WORKSPACE_DIRECTORY is not set: start this by bazel run")
    path = os.path.normpath(os.path.join(workspace, wanted))
    if path in ("/", os.path.normpath(workspace)):
        raise ValueError(f"{wanted} is no place for a virtual environment")
    return path


def make_venv(root: str, spec: Spec, arguments: list[str], *, keep: bool) -> None:
    """Make the virtual environment, anew or keeping what is in it, and install into it."""
    target = destination_of(spec, arguments)
    options = ["--allow-existing"] if keep else []
    if not keep and os.path.exists(os.path.join(target, "pyvenv.cfg")):
        # Only what is a virtual environment already is thrown away.
        options = ["--clear"]
    run(root, spec, "venv", target, "--python", python_of(root, spec), *options)
    requirements = os.path.join(root, spec["requirements"])
    install = ["pip", "sync", requirements] if keep else ["pip", "install", "-r", requirements]
    python = os.path.join(target, "bin", "python")
    run(root, spec, *install, "--python", python, *spec["uv_args"])
    for extra in spec["extra_files"]:
        command = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        folder = subprocess.check_output(command, text=True).strip()
        copy = shutil.copy(os.path.join(root, extra), folder)
        os.chmod(copy, 0o644)
    print(f"Created '{target}', to activate run:\n  source {target}/bin/activate")


def compile_requirements(
    root: str, spec: Spec, output: str, arguments: list[str], *, quiet: bool = False
) -> None:
    """Compile the requirements into `output`, whose pins uv keeps where they still fit."""
    options = list(spec["uv_args"])
    options += [f"--custom-compile-command={spec['command']}", f"--python={python_of(root, spec)}"]
    if spec["platform"]:
        options.append(f"--python-platform={spec['platform']}")
    elif spec["universal"]:
        options.append("--universal")
    if spec.get("overrides"):
        options.append(f"--overrides={os.path.join(root, spec['overrides'])}")
    if quiet:
        options += ["--quiet", "--no-cache"]
    # uv writes the path that it is given into the file's comments: it is given the workspace's.
    main_repository = os.path.join(root, "_main")
    source = os.path.relpath(os.path.join(root, spec["requirements_in"]), main_repository)
    os.chdir(main_repository)
    run(
        root,
        spec,
        "pip",
        "compile",
        *options,
        f"--output-file={output}",
        source,
        *arguments,
    )


def check(root: str, spec: Spec) -> None:
    """Compile into a copy; SystemExit with the differences when there are any."""
    committed = os.path.join(root, spec["requirements_txt"])
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, os.path.basename(committed))
        shutil.copyfile(committed, copy)
        compile_requirements(root, spec, copy, [], quiet=True)
        with open(committed, encoding="utf-8") as old, open(copy, encoding="utf-8") as new:
            changes = list(
                difflib.unified_diff(old.readlines(), new.readlines(), "is", "should be")
            )
    if changes:
        sys.stderr.writelines(changes)
        raise SystemExit(
            f"rules_uv: {spec['requirements_txt']} is out of date: run {spec['command']}"
        )


def main(arguments: list[str]) -> None:
    """Run one sub-command."""
    command, root, spec_path, *rest = arguments
    with open(os.path.join(root, spec_path), encoding="utf-8") as file:
        spec: Spec = json.load(file)
    if command in ("create", "sync"):
        make_venv(root, spec, rest, keep=command == "sync")
    elif command == "compile":
        # The runfiles link to the file in the workspace.
        output = os.path.realpath(os.path.join(root, spec["requirements_txt"]))
        compile_requirements(root, spec, output, rest)
    else:
        check(root, spec)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError) as problem:
        raise SystemExit(f"rules_uv: {problem}") from None

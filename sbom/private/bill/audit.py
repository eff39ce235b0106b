"""Judges an image's licences by a policy, and asks uv for known vulnerabilities.

Exit codes: 0 licences and distributions were checked and nothing found; 1 something was found; 2
the policy can't be read; 3 nothing was found, but the distributions could not be checked. Debian
packages never are: the report says so, whatever the code.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bill import licences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FOUND = 1
WRONG_POLICY = 2
NOT_CHECKED = 3


def read_policy(path: Path) -> dict[str, Any]:
    """Reads a file like //sbom:licence_policy.toml.

    Raises:
        ValueError: it isn't one.
    """
    policy = tomllib.loads(path.read_text(encoding="utf-8"))
    for kind, key in (("pypi", "allowed"), ("deb", "refused")):
        if not isinstance(policy.get(kind, {}).get(key), list):
            raise ValueError(f"there is no list {key!r} under [{kind}]")
    return policy


def refused(component: Mapping[str, Any], policy: Mapping[str, Any]) -> str:
    """Returns why the policy refuses a CycloneDX component, or "".

    A component with several licences holds parts under each: all of them are judged.
    """
    kind = "deb" if component["purl"].startswith("pkg:deb/") else "pypi"
    rules = policy[kind]
    name = component["name"]
    texts = [
        one.get("expression") or one["license"].get("id") or one["license"]["name"]
        for one in component.get("licenses", [])
    ]
    if kind == "pypi":
        if name in rules.get("read", {}):
            texts = [rules["read"][name]]
        if not texts:
            return (
                f"{name} states no licence: read it, and write it under [pypi.read] of the policy"
            )
    for text in texts:
        expression = licences.expression(text)
        if kind == "deb":
            if expression and not allows(expression, lambda one: one not in rules["refused"]):
                return f"{name} has {text}, which the policy refuses"
        elif expression is None:
            return (
                f"{name} states {text!r}, which names no one licence: read it, and write it under "
                "[pypi.read] of the policy"
            )
        elif not allows(expression, lambda one: one in rules["allowed"]):
            return f"{name} has {text}, which isn't among the policy's allowed licences"
    return ""


def allows(expression: str, is_allowed: Callable[[str], bool]) -> bool:
    """Whether a choice that the SPDX expression leaves is allowed: AND needs all, OR one."""
    tokens = expression.replace("(", " ( ").replace(")", " ) ").split()
    result = _alternatives(tokens, is_allowed)
    if tokens:
        raise ValueError(expression)
    return result


def _alternatives(tokens: list[str], is_allowed: Callable[[str], bool]) -> bool:
    result = _conjunction(tokens, is_allowed)
    while tokens[:1] == ["OR"]:
        tokens.pop(0)
        result = _conjunction(tokens, is_allowed) or result
    return result


def _conjunction(tokens: list[str], is_allowed: Callable[[str], bool]) -> bool:
    result = _operand(tokens, is_allowed)
    while tokens[:1] == ["AND"]:
        tokens.pop(0)
        result = _operand(tokens, is_allowed) and result
    return result


def _operand(tokens: list[str], is_allowed: Callable[[str], bool]) -> bool:
    token = tokens.pop(0)
    if token == "(":  # noqa: S105  a parenthesis
        result = _alternatives(tokens, is_allowed)
        tokens.pop(0)
        return result
    if tokens[:1] == ["WITH"]:  # an exception only adds permissions
        del tokens[:2]
    return is_allowed(token)


def vulnerabilities(
    uv: Path, lock: Path, pyproject: Path, arguments: Sequence[str]
) -> tuple[list[str], str]:
    """Asks uv about every runtime distribution of the lock.

    Returns:
        What was found, one line each; and why nothing could be asked, or "".
    """
    with tempfile.TemporaryDirectory() as folder:
        # uv wants both in one project's folder, and writable.
        shutil.copyfile(lock, Path(folder) / "uv.lock")
        shutil.copyfile(pyproject, Path(folder) / "pyproject.toml")
        command = [
            str(uv.absolute()),
            "audit",
            "--frozen",
            "--no-dev",
            "--preview-features",
            "audit,json-output",
        ]
        result = subprocess.run(  # noqa: S603  the pinned uv
            [*command, "--no-cache", "--output-format=json", "--no-progress", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        report = json.loads(result.stdout)
    except ValueError:
        lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
        return [], lines[-1] if lines else f"uv audit ended with exit code {result.returncode}"
    return list(_findings(report)), ""


def _findings(report: Mapping[str, Any]) -> Iterator[str]:
    for one in report["vulnerabilities"]:
        fixed = ", ".join(one.get("fix_versions") or []) or "no version yet"
        yield (
            f"{one['dependency']['name']} {one['dependency']['version']} has {one['display_id']}: "
            f"{one.get('summary') or 'no summary'} (fixed in {fixed})"
        )


def main(arguments: Sequence[str]) -> int:
    """Prints the report and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bill", type=Path, action="append", required=True)
    parser.add_argument("--policy", type=Path, required=True)
    parser.add_argument("--lock", type=Path, required=True)
    parser.add_argument("--pyproject", type=Path, required=True)
    parser.add_argument("--uv", type=Path, required=True)
    options, for_uv = parser.parse_known_args(arguments)
    try:
        policy = read_policy(options.policy)
    except ValueError as error:
        print(f"ERROR: {options.policy}: {error}", file=sys.stderr)
        return WRONG_POLICY
    components = {
        component["purl"].split("?")[0]: component
        for bill in options.bill
        for component in json.loads(bill.read_bytes())["components"]
    }
    reasons = [reason for one in components.values() if (reason := refused(one, policy))]
    for reason in reasons:
        print(f"LICENCE: {reason}")
    print(f"Licences: {len(components)} components judged, {len(reasons)} refused.")
    found, unknown = vulnerabilities(options.uv, options.lock, options.pyproject, for_uv)
    for line in found:
        print(f"VULNERABILITY: {line}")
    if unknown:
        print(
            "NOT CHECKED: whether the distributions have known vulnerabilities, since uv could not "
            f"ask for them: {unknown}"
        )
    else:
        print(f"Vulnerabilities: uv knows of {len(found)} in the locked distributions.")
    print(
        "NOT CHECKED: whether the Debian packages have known vulnerabilities: give the bill to a "
        "scanner, and take updates with `bazel run //image/base:lock`."
    )
    if reasons or found:
        return FOUND
    return NOT_CHECKED if unknown else 0

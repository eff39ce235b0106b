"""`bazel run //image:push [-- OPTIONS]`: pushes an index, its bills of materials and provenance.

The bills and the provenance become referrers of each platform's image (OCI distribution
specification 1.1; where a registry has no referrers API, crane keeps the tag schema instead).

    -h, --help                   these lines
    -r, --repository REPOSITORY  where to push to, instead of the rule's
    -t, --tag TAG                a tag for the index; repeatable
    --key FILE                   sign the index and its images with cosign and this private key; its
                                 password is in COSIGN_PASSWORD. The machine must have cosign.
    anything else                goes to every push, such as --insecure

Standard output is one line: the index by its digest.

Exit codes: 0 all is pushed, 1 something isn't: it says what; what came before is in the registry.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class PushError(Exception):
    """Why not all could be pushed, in one line."""


def run(program: Path, arguments: Sequence[str], *, quiet: bool = False) -> None:
    """Runs the executable of an `oci_push` with the runfiles of this program.

    It prints the reference with the digest of what it pushed, unless it shall be `quiet`.
    """
    runfiles = next((one for one in program.parents if one.name.endswith(".runfiles")), None)
    environment = dict(os.environ)
    if runfiles:
        environment["RUNFILES_DIR"] = str(runfiles)
    output = subprocess.DEVNULL if quiet else None
    command: list[str | Path] = [program, *arguments]
    code = subprocess.call(command, env=environment, stdout=output)  # noqa: S603  our own target
    if code:
        raise PushError(
            f"{program.name} ended with exit code {code}: its message is above; nothing after it "
            "was pushed, push again"
        )


def sign(reference: str, key: str, flags: Sequence[str]) -> None:
    """Signs an index and the images in it with cosign, without a public log."""
    cosign = shutil.which("cosign")
    if not cosign:
        raise PushError(
            f"{reference} is pushed but not signed: cosign isn't on PATH; install it and push again"
        )
    # No public log. Version 3 must be told first that the flags say so, not its configuration.
    log = ["--tlog-upload=false"]
    usage = subprocess.run([cosign, "sign", "--help"], capture_output=True, check=False)  # noqa: S603
    if b"--use-signing-config" in usage.stdout:
        log = ["--use-signing-config=false", *log]
    insecure = ["--allow-http-registry"] if "--insecure" in flags or _is_loopback(reference) else []
    command = [cosign, "sign", "--yes", "--recursive", f"--key={key}", *log, *insecure, reference]
    if subprocess.call(command):  # noqa: S603  as above
        raise PushError(f"{reference} is pushed but not signed: cosign's message is above")


def _is_loopback(reference: str) -> bool:
    host = reference.partition("/")[0].rpartition(":")[0]
    return host in ("localhost", "127.0.0.1", "[::1]")


def main(arguments: Sequence[str]) -> int:
    """Pushes; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="bazel run //image:push --",
        usage="%(prog)s [OPTIONS]",
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="store_true")
    # What the rule gives: //sbom/private:attestations.bzl.
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--referrer", type=Path, action="append", default=[])
    parser.add_argument("-r", "--repository", required=True)
    parser.add_argument("-t", "--tag", action="append", default=[])
    parser.add_argument("--key")
    options, flags = parser.parse_known_args(arguments)
    if options.help:
        print((__doc__ or "").strip())
        return 0
    repository = ["--repository", options.repository]
    try:
        tags = [word for tag in options.tag for word in ("--tag", tag)]
        run(options.image.absolute(), [*repository, *tags, *flags])
        for referrer in options.referrer:
            run(referrer.absolute(), [*repository, *flags], quiet=True)
        if options.key:
            index = json.loads((options.index / "index.json").read_bytes())
            key = Path(os.environ.get("BUILD_WORKING_DIRECTORY", ".")) / options.key
            digest = index["manifests"][0]["digest"]
            sign(f"{options.repository}@{digest}", str(key), flags)
    except PushError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Command line of `bazel run //deploy:render`, `//deploy:secret` and `//deploy:apply`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import manifests
import secret
from load import choose, layout, names
from load.errors import LoadError

_FOLDER = Path("deploy")  # in the runfiles, where `bazel run` starts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__)
    parser.add_argument("--kubectl", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--image", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--index", type=Path, help=argparse.SUPPRESS)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (("render", "print the manifests"), ("apply", "load the image, apply them")):
        each = verbs.add_parser(verb, help=text)
        each.add_argument("--overlay", default="minikube", help="folder below deploy/")
        if verb == "render":
            each.add_argument(
                "--repository",
                help="where //image:push pushed to: the pods pull by digest from there",
            )
        else:
            each.add_argument("--to", choices=choose.ENGINES, help="as //image:load")
            each.add_argument("--profile", help="as //image:load")
            each.add_argument(
                "--timeout", default="180s", help="for the roll-out; default %(default)s"
            )
    each = verbs.add_parser("secret", help="make the Secret from a file of NAME=value lines")
    each.add_argument("file", type=Path, help="such as .env; template: deploy/secret.env.example")
    each.add_argument("--output", type=Path, help="write its manifest here and apply nothing")
    for verb in ("apply", "secret"):
        verbs.choices[verb].add_argument("--context", help="of kubectl; default: the current one")
    return parser


def _kubectl(options: argparse.Namespace, *arguments: str, given: str | None = None) -> None:
    done = subprocess.run(  # noqa: S603
        [*_command(options), *arguments], input=given, text=True, check=False
    )
    if done.returncode:
        raise LoadError(f"kubectl {arguments[0]} ended with exit code {done.returncode}")


def _command(options: argparse.Namespace) -> list[str]:
    context = [f"--context={options.context}"] if options.context else []
    return [str(options.kubectl), *context]


def _need_cluster(options: argparse.Namespace) -> None:
    """What `kubectl apply` says of a cluster that isn't there is to turn validation off."""
    words = [*_command(options), "get", "--raw=/version", "--request-timeout=10s"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["no reason given"]
        raise LoadError(
            f"no cluster answers ({reason[-1]}): start one (minikube start), or name another's"
            " kubectl context with --context"
        )


def _users(path: Path) -> Path:
    """`bazel run` starts in the runfiles; a path is meant from where the user is."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "")) / path


def _secret(options: argparse.Namespace) -> None:
    text = secret.manifest(secret.read(_users(options.file)))
    if options.output:
        file = os.open(_users(options.output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w") as output:
            output.write(text + "\n")
        return
    _need_cluster(options)
    namespace = (_FOLDER / "base" / "namespace.yaml").read_text()
    # Never as arguments: every user of the machine can read those.
    _kubectl(options, "apply", "-f", "-", given=namespace + "\n---\n" + text)


def _render(options: argparse.Namespace) -> None:
    if options.repository:
        image = f"{options.repository}@{layout.digest(options.index)}"
    else:
        image = names.tagged(manifests.IMAGE, layout.read(options.image))
    print(manifests.render(options.kubectl, _FOLDER, options.overlay, image), end="")


def _apply(options: argparse.Namespace) -> None:
    image = layout.read(options.image)
    tag = names.tagged(manifests.IMAGE, image)
    text = manifests.render(options.kubectl, _FOLDER, options.overlay, tag)
    engines = choose.choose(options.to, options.profile)
    if options.profile and not options.context:
        # Where the image goes; Minikube and kind name their contexts so.
        kind = engines[0].name.startswith("kind ")
        options.context = f"kind-{options.profile}" if kind else options.profile
    _need_cluster(options)
    for engine in engines:
        print(f"Loading into {engine.name}", flush=True)
        moved = engine.load(image, [f"{manifests.IMAGE}:latest", tag])
        print(f"{tag}: {moved:,} bytes moved", flush=True)
    _kubectl(options, "apply", "-f", "-", given=text)
    wait = ["rollout", "status", f"deployment/{manifests.IMAGE}", f"--timeout={options.timeout}"]
    _kubectl(options, *wait, f"--namespace={secret.NAMESPACE}")


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 1 after a LoadError, whose line goes to standard error."""
    options = _parser().parse_args(arguments)
    try:
        {"render": _render, "apply": _apply, "secret": _secret}[options.verb](options)
    except LoadError as error:
        print(f"{options.verb}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

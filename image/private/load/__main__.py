"""Command line of `bazel run //image:load` and `bazel run //image:run`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from load import choose, host, layout, names
from load.engine import Engine
from load.errors import LoadError


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="image", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (
        ("load", "load the image into an engine"),
        ("run", "load it and start a container"),
    ):
        each = verbs.add_parser(verb, help=text)
        each.add_argument("layout", type=Path, help=argparse.SUPPRESS)
        each.add_argument("name", help=argparse.SUPPRESS)
        each.add_argument(
            "--to", choices=choose.ENGINES, help="engine; default: the first that is there"
        )
        each.add_argument("--profile", help="Minikube's profile or kind's cluster")
        each.add_argument("--tag", action="append", default=[], help="one more name with a tag")
        if verb == "run":
            each.add_argument("--env-file", help="variables for the container, NAME=value per line")
            each.add_argument("--memory", default="384m", help="limit; default %(default)s")
            each.add_argument("--port", help="port on 127.0.0.1; default: the image's own")
            each.add_argument(
                "--engine-option",
                action="append",
                default=[],
                help="passed on, such as --network=host",
            )
            each.add_argument("command", nargs="*", help="instead of the image's Cmd")
    return parser


def _load(engines: Sequence[Engine], image: layout.Image, tags: list[str]) -> None:
    for engine in engines:
        print(f"Loading into {engine.name}", flush=True)
        start = time.monotonic()
        moved = engine.load(image, tags)
        seconds = time.monotonic() - start
        if moved:
            share = f"{moved:,} of {image.size:,} bytes moved in {seconds:.2f} s"
        else:
            share = f"already there, nothing moved ({seconds:.2f} s)"
        print(f"{tags[0]}  {image.manifest.digest}  {share}")
    print(f"For a manifest:  image: {tags[-1]}", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 1 after a LoadError, whose line goes to standard error."""
    options = parser().parse_args(arguments)
    try:
        image = layout.read(options.layout)
        tags = [options.name, *options.tag, names.tagged(options.name, image)]
        engines = choose.choose(options.to, options.profile)
        if options.verb == "load":
            _load(engines, image, tags)
            return 0
        # Imported now: //image:load does without.
        from load import run

        words = run.command(engines[0], image, tags[-1], options)
        _load(engines, image, tags)
        host.become(words)
    except LoadError as error:
        print(f"{options.verb}: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

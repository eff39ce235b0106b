"""Looks for inputs that a parser of the layer tool can't take, and keeps them in the corpus.

    bazel run //tests/image/layer:fuzz -- [--seconds N] [PARSER…]

Each input is one of the corpus, changed at random. One that raises anything but LayerError, or
takes more than 5 seconds, comes to lie in corpus/PARSER; the exit code is 1 then. Fix the
parser and commit both: test_fuzz.py holds the input from then on.
"""

import argparse
import os
import random
import sys
import time
import traceback
import warnings
from pathlib import Path

from tests.image.layer.parsers import CORPUS, PARSERS, corpus, name, run

_SLOW = 5.0
_NUMBERS = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\xff" * 8, b"\0" * 8, b"\x80\0\0\0")


def changed(content: bytes, others: list[bytes], source: random.Random) -> bytes:
    """The input with one to five random changes."""
    data = bytearray(content)
    for _ in range(source.randint(1, 5)):
        at = source.randint(0, len(data))
        match source.randrange(6):
            case 0 if at < len(data):
                data[at] ^= 1 << source.randrange(8)
            case 1:
                data[at : at + source.randint(0, 64)] = b""
            case 2:
                data[at : at + 8] = source.choice(_NUMBERS)
            case 3:
                other = source.choice(others)
                start = source.randint(0, len(other))
                data[at:at] = other[start : start + source.randint(0, 512)]
            case 4:
                data[at:at] = data[at : at + source.randint(0, 64)] * source.randint(1, 200)
            case _:
                del data[at:]
    return bytes(data)


def main() -> int:
    """Command line: see the module's docstring."""
    options = argparse.ArgumentParser(description=__doc__)
    options.formatter_class = argparse.RawDescriptionHelpFormatter
    options.add_argument("--seconds", type=float, default=60, help="for each parser")
    options.add_argument("parsers", nargs="*", metavar="PARSER", help=", ".join(PARSERS))
    arguments = options.parse_args()
    warnings.simplefilter("ignore")
    folder = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), CORPUS)
    found = 0
    for parser in arguments.parsers or PARSERS:
        seeds = [path.read_bytes() for path in corpus(parser)]
        source, tried, problems = random.Random(), 0, set()
        end = time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            content = changed(source.choice(seeds), seeds, source)
            start, tried = time.monotonic(), tried + 1
            try:
                run(parser, content)
                problem = "is slow" if time.monotonic() - start > _SLOW else ""
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                problem = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
            if problem and problem not in problems:
                problems.add(problem)
                (folder / parser / name(content)).write_bytes(content)
                print(f"{parser}: {problem}: {name(content)}", file=sys.stderr)
        print(f"{parser}: {tried:,} inputs, {len(problems)} problems")
        found += len(problems)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

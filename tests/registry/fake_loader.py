"""Stands for a container engine's command: keeps what it was called with in the folder LOADED."""

import os
import pathlib
import sys


def main(verb: str, option: str, path: str) -> None:
    """`load --input PATH`; PATH is read once from its start to its end, as a pipe allows."""
    folder = pathlib.Path(os.environ["LOADED"])
    (folder / "arguments").write_text(f"{verb} {option}")
    (folder / "image.tar").write_bytes(pathlib.Path(path).read_bytes())
    print("Loaded image: registry.example/everything:test")


if __name__ == "__main__":
    main(*sys.argv[1:])

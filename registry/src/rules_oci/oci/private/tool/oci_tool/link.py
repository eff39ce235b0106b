"""A layout of links to the files of another, which came from a registry."""

import os

from oci_tool import layout


def main(arguments: list[str]) -> None:
    """`link OUTPUT ROOT FILE…`: link every file to the place in OUTPUT that it has below ROOT."""
    output, root, *files = arguments
    for file in files:
        layout.link_blob(file, os.path.join(output, os.path.relpath(file, root)))

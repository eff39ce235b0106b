"""The digest of an image or an image index, for `<name>.digest`."""

from oci_tool import layout


def main(arguments: list[str]) -> None:
    """`digest LAYOUT OUTPUT`: write the digest of what index.json names, and a newline."""
    source, output = arguments
    layout.write(output, f"{layout.top_descriptor(source)['digest']}\n".encode())

"""`bump.py WHEEL OLD NEW OUTPUT`: copies a wheel as a new release of its distribution.

Its metadata say so, and one module has a line more: all that the smallest of releases would change.
"""

import sys
import zipfile


def main(wheel: str, old: str, new: str, output: str) -> None:
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(output, "w") as after:
        for entry in before.infolist():
            content = before.read(entry)
            folder, _, name = entry.filename.rpartition("/")
            if folder.endswith(".dist-info") and name == "METADATA":
                content = content.replace(
                    f"\nVersion: {old}\n".encode(), f"\nVersion: {new}\n".encode()
                )
            elif folder.endswith(".dist-info") and name == "RECORD":
                content = b""  # it may be silent, and must not be wrong
            elif entry.filename.count("/") == 1 and name == "__init__.py":
                content += b"\nRELEASE = 2\n"
            place = entry.filename.replace(f"-{old}.dist-info/", f"-{new}.dist-info/")
            after.writestr(zipfile.ZipInfo(place), content)


if __name__ == "__main__":
    main(*sys.argv[1:])

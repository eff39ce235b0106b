"""Entry point of the actions: `python3 -I -S -B actions.py SUB-COMMAND ARGUMENT…`.

Runs without the site module and imports only what the sub-command needs: one of these processes
starts for every layer and every image, and its start-up is most of its time.
"""

import sys


def run(command: str, arguments: list[str]) -> None:
    """Run one sub-command; the modules are imported here, and only the one that is used."""
    if command == "descriptor":
        from oci_tool import descriptor

        descriptor.main(arguments)
    elif command == "image":
        from oci_tool import image

        image.main(arguments)
    elif command == "index":
        from oci_tool import index

        index.main(arguments)
    elif command == "digest":
        from oci_tool import digest

        digest.main(arguments)
    elif command == "link":
        from oci_tool import link

        link.main(arguments)
    elif command == "archive":
        from oci_tool import archive

        archive.main(arguments)
    elif command == "load":
        from oci_tool import load

        load.main(arguments)
    elif command == "push":
        from oci_tool import push

        push.main(arguments)
    else:
        raise SystemExit(f"rules_oci: unknown sub-command {command!r}")


if __name__ == "__main__":
    # -I keeps this folder off the path.
    sys.path.insert(0, __file__.rpartition("/")[0] or ".")
    try:
        run(sys.argv[1], sys.argv[2:])
    except (OSError, ValueError) as error:
        raise SystemExit(f"rules_oci: {error}") from None

"""Says how the surroundings look from inside a build action, as a JSON object.

The two builds of tools/verify-reproducible run this as an action of their own: what was varied is
read here, not believed.
"""

import json
import os
import sys
import time
from pathlib import Path


def surroundings(uv: Path) -> dict[str, object]:
    """What an action can see of the machine, the user and the time; `uv` says which uv unpacked."""
    umask = os.umask(0)
    os.umask(umask)
    return {
        "clock": time.strftime("%Y-%m-%d", time.gmtime()),
        "CPUs": len(os.sched_getaffinity(0)),
        "user": f"{os.getuid()}:{os.getgid()}",
        "umask": f"{umask:04o}",
        "hash of 'a'": hash("a"),
        "order of a folder": os.listdir(Path(__file__).parent),
        "environment": dict(sorted(os.environ.items())),
        "time zone": time.tzname[0],
        "folder": str(Path.cwd()),
        "uv": uv.read_text().strip(),
    }


if __name__ == "__main__":
    print(json.dumps(surroundings(Path(sys.argv[1])), indent=1))

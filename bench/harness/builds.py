"""Steps: from sources to an image, to a registry, into a container engine."""

import re

from harness.bench import BUMPED, Bench
from harness.contestants import Contestant
from harness.measure import Failed, run


def clean(bench: Bench, contestant: Contestant) -> None:
    """Clean build with warm downloads, and the push of all of it to an empty registry."""
    contestant.clean()
    bench.time("clean build s", contestant, contestant.build)
    bench.time("clean push s", contestant, contestant.push(f"{bench.registry()}/it:1"))


def noop(bench: Bench, contestant: Contestant) -> None:
    """Build again when nothing changed."""
    bench.time("no-op s", contestant, contestant.build)


def edit(bench: Bench, contestant: Contestant) -> None:
    """One line more in the app's entry module."""
    bench.edit(contestant)
    bench.time("one-line edit s", contestant, contestant.build)


def bump(bench: Bench, contestant: Contestant) -> None:
    """One small distribution becomes newer."""
    current, older = bench.locks
    if contestant is not bench.bazel:
        # A builder's cache still holds the newer one; Bazel keeps its last build alone.
        contestant.clean()
    contestant.use(older)
    bench.build(contestant)
    contestant.use(current)
    bench.time(f"bump of {BUMPED} s", contestant, contestant.build)


def daemon(bench: Bench) -> None:
    """From an edit to the image in one dockerd, and the way that rules_oci's users have."""
    if bench.docker is None:
        return
    engine = bench.docker.env
    load = "tools/bazel run //image:load -- --to docker"
    archive = "tools/bazel build //image:image_archive --output_groups=+tarball"
    run(["sh", "-c", load], cwd=bench.bazel.folder, env=engine)
    bench.bazel.bazel(*archive.split()[1:])
    tarball = bench.bazel.output("//image:image_archive", "--output_groups=tarball")
    whole = f"{archive} && {bench.docker.client} load --quiet --input {tarball}"

    def step(bench: Bench, contestant: Contestant) -> None:
        bench.edit(contestant)
        row = "edit to image in dockerd s"
        if contestant is not bench.bazel:
            if contestant.env.get("DOCKER_HOST") == engine["DOCKER_HOST"]:
                bench.time(row, contestant, contestant.build)
            return
        log = bench.bazel.folder / "load.log"
        bench.time(row, contestant, f"{load} > {log}", engine)
        found = re.search(r"([\d,]+) of ([\d,]+) bytes moved", log.read_text())
        if not found:
            raise Failed(f"//image:load moved nothing after an edit: {log.read_text()}")
        moved, size = (int(number.replace(",", "")) for number in found.groups())
        bench.record("MB moved to dockerd after the edit", contestant.name, moved / 1e6)
        bench.record("of the image's MB", contestant.name, size / 1e6)
        bench.edit(contestant)
        bench.time("the same by docker load of the whole image s", contestant, whole, engine)
        bench.record(
            "MB moved to dockerd by docker load", contestant.name, tarball.stat().st_size / 1e6
        )

    bench.in_turns(step)

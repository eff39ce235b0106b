"""What a lock holds, by uv's own reading of it: distributions, wheels and edges per platform."""

load(":binary.bzl", "uv_path")
load(":platforms.bzl", "PLATFORMS")

# The newest revision of version 1 of the lock's format that the pinned uv writes. uv reads a newer one as far as it
# knows it, so what it doesn't know would silently be left out.
_REVISION = 5

_RUNTIME = "runtime"

def _run(mctx, uv, python, arguments):
    """Runs uv on the copy of the project, with nothing of the user's environment or configuration."""
    home = str(mctx.path("home"))
    return mctx.execute(
        ["/usr/bin/env", "-i", "HOME=" + home, "XDG_CONFIG_DIRS=" + home, "PATH=/usr/bin:/bin", uv] + arguments + [
            "--python=" + str(python),
            "--offline",
            "--no-python-downloads",
            "--color=never",
        ],
        working_directory = "project",
    )

def _check_revision(lock, text):
    for line in text.split("[[package]]")[0].splitlines():
        key, _, value = line.partition(" = ")
        if key == "revision" and value.isdigit() and int(value) > _REVISION:
            fail("{} has revision {} of the lock format; the uv pinned here knows {}. Run `bazel run //:lock`.".format(lock, value, _REVISION))

def _reason(stderr):
    """What uv says is wrong with a file, and where, as one line in brackets; "" when there is no such line.

    uv draws the place in the file between its words; the drawing stays out.
    """
    words = []
    for line in stderr.split("error: ")[-1].splitlines()[1:]:
        line = line.strip().removeprefix("cause: ")
        if line and "|" not in line.lstrip("0123456789 ")[:1]:
            words.append(line)
    reason = ": ".join(words)

    # An address may hold credentials.
    return " ({})".format(reason) if reason and "://" not in reason else ""

def _check(lock, pyproject, result):
    """Fails with one sentence when uv could not use the lock."""
    if result.return_code == 0:
        return
    if "unsupported schema version" in result.stderr:
        problem = "was written by a uv with a newer lock format than the uv pinned here knows"
    elif "Failed to parse `uv.lock`" in result.stderr:
        problem = "can't be parsed, it is no uv lock" + _reason(result.stderr)
    elif "did not contain valid UTF-8" in result.stderr:
        problem = "can't be parsed, it is no uv lock (it is not UTF-8)"
    elif "Failed to parse" in result.stderr:
        fail("{} can't be parsed, uv says{}. Mend it.".format(pyproject, _reason(result.stderr)))
    elif "Failed to generate package metadata" in result.stderr:
        fail("{} has a requirement that is none (PEP 508), or declares its dependencies dynamic. Mend it.".format(pyproject))
    elif "requires-python" in result.stderr:
        fail("{} asks in requires-python for another Python than the image's.".format(pyproject))
    else:
        problem = "does not fit {}".format(pyproject)
    fail("{} {}. Run `bazel run //:lock`.".format(lock, problem))

def _reach(resolution, start):
    """Ids that can be reached from these ids, themselves included."""
    seen = {id: None for id in start}
    frontier = start
    for _ in range(len(resolution)):
        frontier = {
            dependency["id"]: None
            for id in frontier
            for dependency in resolution[id]["dependencies"]
            if dependency["id"] not in seen
        }.keys()
        if not frontier:
            break
        seen.update([(id, None) for id in frontier])
    return seen.keys()

def _edges(resolution, ids):
    """Distribution → what it requires: the edges of its extras among the ids are its own."""
    edges = {}
    for id in ids:
        node = resolution[id]
        edges.setdefault(node["name"], {}).update([
            (resolution[dependency["id"]]["name"], None)
            for dependency in node["dependencies"]
        ])
    return {name: sorted([to for to in required if to != name]) for name, required in edges.items()}

def _sets(tree):
    """Name of each set → ids that it starts from: the project's dependencies, its groups and its extras."""
    sets = {_RUNTIME: []}
    for member in tree["members"]:
        node = tree["resolution"][member["id"]]
        sets[_RUNTIME].append(member["id"])
        for group in node.get("dependency_groups", []):
            if group["name"] == _RUNTIME:
                fail("The dependency group `runtime` needs another name: `runtime` means the project's own dependencies.")
            sets.setdefault(group["name"], []).append(group["id"])
        for extra in node.get("optional_dependencies", []):
            sets.setdefault("extra_" + extra["name"], []).append(extra["id"])
    return {name: [id for id in start if id in tree["resolution"]] for name, start in sets.items()}

def _wheels(node):
    """File name → SHA-256 of the node's locked wheels."""
    wheels = {}
    for wheel in node.get("wheels", []):
        if "sha256" not in wheel.get("hashes", {}):
            fail("{} {} is locked without a sha256 for {}. Run `bazel run //:lock`.".format(node["name"], node["version"], wheel["filename"]))
        wheels[wheel["filename"]] = wheel["hashes"]["sha256"]
    return wheels

def _platform(tree):
    """One platform's part of the lock: distributions by name, and what each set holds."""
    resolution = tree["resolution"]
    members = {resolution[member["id"]]["name"]: None for member in tree["members"]}
    sets = {name: _reach(resolution, start) for name, start in _sets(tree).items()}
    ids = {id: None for reached in sets.values() for id in reached}
    edges = _edges(resolution, ids)
    runtime_edges = _edges(resolution, sets[_RUNTIME])

    distributions = {}
    for id in ids:
        node = resolution[id]
        name = node["name"]
        if node["kind"] != "package" or name in members:
            continue
        if "registry" not in node["source"]:
            fail("{} is locked from {}: only distributions from a package index can be pinned by hash for every platform.".format(name, ", ".join(node["source"].keys())))
        if name in distributions:
            fail("{} is locked in two versions for one platform ({} and {}): conflicting groups or extras can't share an environment.".format(name, distributions[name].version, node["version"]))
        distributions[name] = struct(
            version = node["version"],
            wheels = _wheels(node),
            # Edges of the library, and of the distribution as it is in the image: an extra that only a development
            # group asks for brings nothing into the image.
            edges = edges[name],
            requires = runtime_edges.get(name, edges[name]),
        )
    return struct(
        distributions = distributions,
        sets = {
            set: sorted({resolution[id]["name"]: None for id in reached if resolution[id]["name"] in distributions}.keys())
            for set, reached in sets.items()
        },
    )

def _is_pure(distribution):
    return distribution.wheels and all([wheel.endswith("-none-any.whl") for wheel in distribution.wheels])

def _assemble(platforms):
    """The repositories to make, and the graph that the hub is written from."""
    repositories = {}
    graph = {}
    for platform, part in platforms.items():
        nodes = {}
        for name, distribution in part.distributions.items():
            pure = _is_pure(distribution) and len({
                other.distributions[name].version: None
                for other in platforms.values()
                if name in other.distributions
            }) == 1
            repository = name if pure else "{}__{}".format(name, platform)
            repositories[repository] = struct(
                name = name,
                platform = "" if pure else platform,
                repository = repository,
                version = distribution.version,
                wheels = distribution.wheels,
            )
            nodes[name] = {
                "edges": distribution.edges,
                "repository": repository,
                "requires": distribution.requires,
                "version": distribution.version,
            }
        graph[platform] = {"distributions": nodes, "sets": part.sets}
    return repositories.values(), graph

def read_lock(mctx, tag, python):
    """Reads the lock of a `uv.lock` tag with uv; fails with one sentence when it can't be used.

    Args:
        mctx: the module extension's context.
        tag: the tag, with `lock`, `pyproject` and `uv`.
        python: label of the interpreter.

    Returns:
        struct: `distributions`, structs (name, platform or "", repository, version, wheels: file name → SHA-256);
        `graph`, platform → {"distributions": name → {edges, repository, requires, version}, "sets": name → names};
        `requirements`, text of a requirements file with hashes.
    """
    uv = uv_path(mctx, tag.uv)
    python = mctx.path(python)
    for file, remedy in [(tag.lock, "Run `bazel run //:lock`."), (tag.pyproject, "Write it.")]:
        if not mctx.path(file).exists:
            fail("{} is missing. {}".format(file, remedy))
    text = mctx.read(tag.lock)
    _check_revision(tag.lock, text)

    # A copy, in which `wheelhouse` is the empty index that the portable form names.
    mctx.file("home/.keep")
    mctx.file("project/wheelhouse/.keep")
    mctx.file("project/uv.lock", text)
    mctx.file("project/pyproject.toml", mctx.read(tag.pyproject))

    platforms = {}
    for platform, facts in PLATFORMS.items():
        result = _run(mctx, uv, python, [
            "tree",
            "--frozen",
            "--all-groups",
            "--no-dedupe",
            "--format=json",
            "--preview-features=json-output",
            "--python-platform=" + facts.uv,
        ])
        _check(tag.lock, tag.pyproject, result)
        platforms[platform] = _platform(json.decode(result.stdout))
    portable = "registry = \"wheelhouse\"" in text
    _check(tag.lock, tag.pyproject, _run(mctx, uv, python, ["lock", "--check"] + (
        ["--no-index", "--find-links=wheelhouse"] if portable else []
    )))
    requirements = _run(mctx, uv, python, ["export", "--frozen", "--all-groups", "--no-emit-workspace", "--no-header", "--no-annotate"])
    _check(tag.lock, tag.pyproject, requirements)

    distributions, graph = _assemble(platforms)
    return struct(distributions = distributions, graph = graph, requirements = requirements.stdout)

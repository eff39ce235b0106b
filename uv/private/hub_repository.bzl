"""Repository rule: the repository that a lock's users see, such as `@pypi`."""

load("//tools:pythons.bzl", "PYTHONS", "python_suffix")
load(":platforms.bzl", "PLATFORMS")

_HEADER = """\
load("@rules_python//python:defs.bzl", "py_library")
load({rules}, "built_wheel", "distribution", "distribution_set", "environment")
load({facts}, "fact")

package(default_visibility = ["//visibility:public"])
"""

_LIBRARY = """
py_library(
    name = {name},
    deps = {deps},
)
"""

_ALIAS = """
alias(
    name = {name},
    actual = {actual},
)
"""

_DISTRIBUTION = """
distribution(
    name = {name},
    distribution = {distribution},
    error = {error},
    platform = {platform},
    requires = {requires},
    version = {version},
    wheel = {wheel},
)

environment(
    name = {tree},
    distributions = [{name_label}],
    python = {runtime},
)

py_library(
    name = {library},
    data = [{tree}],
    imports = [{imports}],
)
"""

_BUILT = """
built_wheel(
    name = {name},
    distribution = {distribution},
    hint = {hint},
    python = {runtime},
    source = {source},
    subdirectory = {subdirectory},
    version = {version},
)
"""

_ROOT = """
exports_files(["requirements.txt"])

fact(
    name = "python",
    value = {python},
)
"""

_PYTHON = """
config_setting(
    name = {name},
    flag_values = {{":python": {version}}},
)
"""

_SET = """
distribution_set(
    name = {name},
    collisions = {collisions},
    distributions = {distributions},
    error = {error},
    platform = {platform},
    python = {runtime},
    version = {version},
    winners = {winners},
)

environment(
    name = {environment},
    python = {runtime},
    sets = [{name}],
)
"""

def _header():
    return _HEADER.format(
        facts = repr(str(Label("//tools:fact.bzl"))),
        rules = repr(str(Label("//uv/private:distribution.bzl"))),
    )

def _select(values):
    """Expression for a list that may differ per platform; `values` maps each platform to one."""
    if len({repr(each): None for each in values.values()}) == 1 and len(values) == len(PLATFORMS):
        return repr(values.values()[0])
    return "select(" + repr({
        str(Label(PLATFORMS[platform].cpu)): each
        for platform, each in values.items()
    }) + ")"

def _reach(edges, start):
    seen = {}
    frontier = [start]
    for _ in range(len(edges)):
        frontier = {to: None for name in frontier for to in edges.get(name, []) if to not in seen}.keys()
        if not frontier:
            break
        seen.update([(name, None) for name in frontier])
    return seen

def _cycles(edges):
    """Id → the first of the cycle of requirements that it is in; absent outside of cycles.

    Only what may be in a cycle is looked at: what is left when all that leads nowhere is taken away.
    """
    left = edges
    for _ in range(len(edges)):
        smaller = {
            name: [to for to in required if to in left and left[to]]
            for name, required in left.items()
            if [to for to in required if to in left and left[to]]
        }
        if len(smaller) == len(left):
            break
        left = smaller
    reached = {name: _reach(left, name) for name in left}
    return {
        name: sorted([other for other in reached[name] if name in reached[other]])[0]
        for name in left
        if name in reached[name]
    }

def _all_edges(graph):
    """Platform → id → ids of everything that it requires in some set."""
    edges = {}
    for platform, part in graph["platforms"].items():
        here = edges.setdefault(platform, {})
        for requires in part["requires"].values():
            for identity, required in requires.items():
                here.setdefault(identity, {}).update([(to, None) for to in required])
    return edges

def _artifact_targets(identity, facts, platform, runtime):
    """(label of the platform's wheel or None, text that makes it, error)."""
    artifact = facts["artifacts"].get(platform)
    if not artifact or artifact["kind"] == "none":
        error = artifact["error"] if artifact else "it is not locked for this platform"
        return None, "", error
    file = "@{}//:file".format(artifact["repository"])
    if artifact["kind"] == "wheel":
        return file, "", ""
    name = identity + ".wheel"
    built = _BUILT.format(
        name = repr(name),
        distribution = repr(facts["name"]),
        hint = repr(artifact.get("hint", "")),
        runtime = repr(runtime),
        source = repr(file),
        subdirectory = repr(artifact.get("subdirectory", "")),
        version = repr(facts["version"]),
    )
    return ":" + name, built, ""

def _package(name, identities, graph, edges, cycles, python, runtime):
    """BUILD file of one distribution."""
    content = _header()
    made = {}
    libraries = {}
    for identity in identities:
        facts = graph["distributions"][identity]
        for platform in PLATFORMS:
            wheel, text, error = _artifact_targets(identity, facts, platform, runtime)
            if text and text not in made:
                made[text] = True
                content += text
            target = "{}_{}".format(platform, identity)
            requires = [graph["distributions"][to]["name"] for to in _runtime_edges(graph, platform, identity)]
            content += _DISTRIBUTION.format(
                name = repr(target),
                name_label = repr(":" + target),
                distribution = repr(name),
                error = repr(error),
                imports = repr("{}_tree/lib/python{}/site-packages".format(target, python)),
                library = repr(target + "_library"),
                platform = repr(PLATFORMS[platform].oci),
                runtime = repr(runtime),
                requires = repr(sorted({each: None for each in requires}.keys())),
                tree = repr(target + "_tree"),
                version = repr(facts["version"]),
                wheel = repr(wheel),
            )
            if graph["primary"].get(name) == identity or platform not in libraries:
                libraries[platform] = identity

    for platform, identity in libraries.items():
        content += _ALIAS.format(name = repr(platform), actual = repr(":{}_{}".format(platform, identity)))

    identity = graph["primary"][name]
    if identity in cycles:
        content += _ALIAS.format(name = repr(name), actual = repr(_library_of(cycles[identity], graph, cycles)))
        if cycles[identity] != identity:
            return content
        members = sorted([member for member, first in cycles.items() if first == identity])
        content += _library("cycle", members, graph, edges, cycles)
    else:
        content += _library(name, [identity], graph, edges, cycles)
    return content

def _runtime_edges(graph, platform, identity):
    """What a distribution requires as it is in the image: in `runtime`, else in any set."""
    requires = graph["platforms"][platform]["requires"]
    for name in ["runtime"] + sorted(requires.keys()):
        if identity in requires.get(name, {}):
            return requires[name][identity]
    return []

def _library_of(identity, graph, cycles):
    """Label of the library of a distribution and all that it requires."""
    name = graph["distributions"][identity]["name"]
    if graph["primary"][name] != identity:
        return "//{}:{}".format(name, name)
    return "//{}:cycle".format(graph["distributions"][cycles[identity]]["name"]) if identity in cycles else "//" + name

def _tree_library(identity, graph, platform):
    return "//{}:{}_{}_library".format(graph["distributions"][identity]["name"], platform, identity)

def _library(name, members, graph, edges, cycles):
    """py_library of these distributions, which need one another when there are several."""
    own = {member: None for member in members}
    deps = {}
    for platform in PLATFORMS:
        here = [member for member in members if member in edges[platform] or platform in graph["distributions"][member]["artifacts"]]
        outside = {to: None for member in here for to in edges[platform].get(member, {}) if to not in own}
        deps[platform] = [_tree_library(member, graph, platform) for member in here] + sorted({
            _library_of(to, graph, cycles): None
            for to in outside
        }.keys())
    return _LIBRARY.format(name = repr(name), deps = _select({
        platform: each
        for platform, each in deps.items()
        if each
    }))

def _sets(rctx, graph):
    """The sets' part of the root BUILD file."""
    content = ""
    sets = {platform: part["sets"] for platform, part in graph["platforms"].items()}
    for name in sorted({name: None for by_name in sets.values() for name in by_name}):
        libraries = {}
        for platform, by_name in sets.items():
            held = by_name[name]
            error = held["error"] if type(held) == "dict" else ""
            ids = [] if error else held
            target = "{}_{}".format(name, platform)
            content += _SET.format(
                name = repr(target),
                collisions = repr(rctx.attr.collisions),
                distributions = repr([
                    "//{}:{}_{}".format(graph["distributions"][identity]["name"], platform, identity)
                    for identity in ids
                ]),
                environment = repr(target + ".environment"),
                error = repr(error),
                platform = repr(PLATFORMS[platform].oci),
                runtime = repr(rctx.attr.runtime),
                version = repr(rctx.attr.python),
                winners = repr(rctx.attr.winners),
            )

            # The distributions themselves, not their libraries: an edge of a library may come from an extra that only
            # another set asks for.
            libraries[platform] = [_tree_library(identity, graph, platform) for identity in ids]
        content += _LIBRARY.format(name = repr(name), deps = _select(libraries))
        content += _ALIAS.format(
            name = repr(name + ".environment"),
            actual = "select(" + repr({
                str(Label(PLATFORMS[platform].cpu)): ":{}_{}.environment".format(name, platform)
                for platform in sets
            }) + ")",
        )
    return content

def _hub_repository_impl(rctx):
    graph = json.decode(rctx.attr.graph)
    edges = _all_edges(graph)
    together = {}
    for by_id in edges.values():
        for identity, required in by_id.items():
            together.setdefault(identity, {}).update(required)
    cycles = _cycles({identity: required.keys() for identity, required in together.items()})

    by_name = {}
    for identity, facts in graph["distributions"].items():
        by_name.setdefault(facts["name"], []).append(identity)
    for name, identities in by_name.items():
        rctx.file(name + "/BUILD.bazel", _package(name, identities, graph, edges, cycles, rctx.attr.python, rctx.attr.runtime))

    content = _header() + _ROOT.format(python = repr(rctx.attr.python))
    for version in PYTHONS:
        content += _PYTHON.format(name = repr("python_" + python_suffix(version)), version = repr(version))
    rctx.file("BUILD.bazel", content + _sets(rctx, graph))
    rctx.file("requirements.txt", rctx.attr.requirements)

hub_repository = repository_rule(
    doc = "Libraries, distributions and sets of a lock, over the repositories of its files.",
    implementation = _hub_repository_impl,
    attrs = {
        "collisions": attr.string(doc = "`warn` or `error`.", mandatory = True),
        "graph": attr.string(doc = "JSON of the reader's answer, each artifact with its `repository`.", mandatory = True),
        "python": attr.string(doc = "Such as `3.13`.", mandatory = True),
        "runtime": attr.string(doc = "Label of the `py_runtime` that actions run on.", mandatory = True),
        "requirements": attr.string(doc = "Content of requirements.txt.", mandatory = True),
        "winners": attr.string_list(doc = "Distributions whose files win."),
    },
)

"""Repository rule: the repository that a lock's users see, such as `@pypi`."""

load(":platforms.bzl", "PLATFORMS")

_PACKAGE = """\
load("@rules_python//python:defs.bzl", "py_library")
load({rules}, "distribution")

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
    installed = {installed},
    platform = {platform},
    requires = {requires},
    version = {version},
)
"""

_ROOT = """\
load("@rules_python//python:defs.bzl", "py_library")
load({rules}, "distribution_set")

package(default_visibility = ["//visibility:public"])

exports_files(["requirements.txt"])
"""

_SET = """
distribution_set(
    name = {name},
    distributions = {distributions},
    platform = {platform},
)
"""

def _rules():
    return repr(str(Label("//uv/private:distribution.bzl")))

def _select(labels):
    """Expression for labels that may differ per platform; `labels` maps each platform to a list."""
    if len({repr(each): None for each in labels.values()}) == 1 and len(labels) == len(PLATFORMS):
        return repr(labels.values()[0])
    return "select(" + repr({
        str(Label(PLATFORMS[platform].cpu)): each
        for platform, each in labels.items()
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

def _cycles(graph):
    """Distribution → the first, by name, of the cycle of requirements that it is in; absent outside of cycles."""
    edges = {}
    for part in graph.values():
        for name, node in part["distributions"].items():
            edges.setdefault(name, {}).update([(to, None) for to in node["edges"]])
    reached = {name: _reach(edges, name) for name in edges}
    return {
        name: sorted([other for other in reached[name] if name in reached[other]])[0]
        for name in edges
        if name in reached[name]
    }

def _library(name, members, nodes, repository, cycles):
    """py_library of these distributions, which need one another when there are several."""
    own = {name: None for name in members}
    deps = {}
    for platform, by_name in nodes.items():
        here = [member for member in members if member in by_name]
        outside = {to: None for member in here for to in by_name[member]["edges"] if to not in own}
        deps[platform] = [
            "{}//:library".format(repository(by_name[member]["repository"]))
            for member in here
        ] + [_target(to, cycles) for to in sorted(outside)]
    return _LIBRARY.format(name = repr(name), deps = _select({
        platform: each
        for platform, each in deps.items()
        if each
    }))

def _target(name, cycles):
    return "//{}:cycle".format(cycles[name]) if name in cycles else "//" + name

def _hub_repository_impl(rctx):
    graph = json.decode(rctx.attr.graph)
    cycles = _cycles(graph)
    nodes = {platform: part["distributions"] for platform, part in graph.items()}

    # Made by the same extension, so visible from here under their own names.
    repository = lambda name: "@{}__{}".format(rctx.attr.prefix, name)

    for name in sorted({name: None for by_name in nodes.values() for name in by_name}):
        content = _PACKAGE.format(rules = _rules())
        if name in cycles:
            content += _ALIAS.format(name = repr(name), actual = repr("//{}:cycle".format(cycles[name])))
            if cycles[name] == name:
                members = sorted([member for member, first in cycles.items() if first == name])
                content += _library("cycle", members, nodes, repository, cycles)
        else:
            content += _library(name, [name], nodes, repository, cycles)
        for platform, by_name in nodes.items():
            if name in by_name:
                content += _DISTRIBUTION.format(
                    name = repr(platform),
                    distribution = repr(name),
                    installed = repr("{}//:installed".format(repository(by_name[name]["repository"]))),
                    platform = repr(PLATFORMS[platform].oci),
                    requires = repr(by_name[name]["requires"]),
                    version = repr(by_name[name]["version"]),
                )
        rctx.file(name + "/BUILD.bazel", content)

    content = _ROOT.format(rules = _rules())
    sets = {platform: part["sets"] for platform, part in graph.items()}
    for set in sorted({name: None for by_name in sets.values() for name in by_name}):
        # The installed distributions themselves, not their libraries: an edge of a library may come from an extra
        # that only another set asks for.
        content += _LIBRARY.format(name = repr(set), deps = _select({
            platform: ["{}//:library".format(repository(nodes[platform][name]["repository"])) for name in by_name[set]]
            for platform, by_name in sets.items()
        }))
        for platform, by_name in sets.items():
            content += _SET.format(
                name = repr("{}_{}".format(set, platform)),
                distributions = repr(["//{}:{}".format(name, platform) for name in by_name[set]]),
                platform = repr(PLATFORMS[platform].oci),
            )
    rctx.file("BUILD.bazel", content)
    rctx.file("requirements.txt", rctx.attr.requirements)

hub_repository = repository_rule(
    doc = "Libraries, distributions and sets of a lock, over the repositories of its distributions.",
    implementation = _hub_repository_impl,
    attrs = {
        "graph": attr.string(doc = "JSON of `read_lock`'s graph.", mandatory = True),
        "prefix": attr.string(doc = "The tag's name, with which the distributions' repositories begin.", mandatory = True),
        "requirements": attr.string(doc = "Content of requirements.txt.", mandatory = True),
    },
)

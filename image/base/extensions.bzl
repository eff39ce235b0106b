"""Module extension: the base image's packages and interpreter.

    base = use_extension("//image/base:extensions.bzl", "base")
    base.debian(name = "debian", lock = "//image/base:debian.lock.json")
    base.layouts(name = "hub", layouts = {"@python_3_13_slim_linux_amd64//:index.json": "amd64"})
    use_repo(base, "debian_amd64", "debian_arm64", "debian_python", "hub_python")

Every repository is fetched only when something needs it: a build on one base downloads nothing
of the other.
"""

load("//image/base/private:debian_packages.bzl", "debian_packages")
load("//image/base/private:python_repository.bzl", "python_from_debian", "python_from_layout")

_ARCHITECTURES = ["amd64", "arm64"]

def _base_impl(mctx):
    for module in mctx.modules:
        for tag in module.tags.debian:
            packages = {}
            for architecture in _ARCHITECTURES:
                repository = "{}_{}".format(tag.name, architecture)
                debian_packages(name = repository, architecture = architecture, lock = tag.lock)
                packages["@{}//:packages.json".format(repository)] = architecture
            python_from_debian(name = tag.name + "_python", packages = packages)
        for tag in module.tags.layouts:
            python_from_layout(name = tag.name + "_python", layouts = tag.layouts)
    return mctx.extension_metadata(reproducible = True)

base = module_extension(
    implementation = _base_impl,
    doc = "Repositories of the bases that images stand on, and the interpreter of each.",
    tag_classes = {
        "debian": tag_class(
            doc = """A base assembled from Debian packages.

            Makes `<name>_amd64` and `<name>_arm64` with the .deb files, and `<name>_python`.""",
            attrs = {
                "lock": attr.label(
                    doc = "The lock that `bazel run //image/base:lock` writes.",
                    mandatory = True,
                ),
                "name": attr.string(doc = "What the repositories' names begin with.", mandatory = True),
            },
        ),
        "layouts": tag_class(
            doc = "A base that `oci.pull` fetches. Makes `<name>_python`.",
            attrs = {
                "layouts": attr.label_keyed_string_dict(
                    doc = "`index.json` of each platform's OCI layout, and Debian's name of its CPU.",
                    mandatory = True,
                ),
                "name": attr.string(doc = "What the repository's name begins with.", mandatory = True),
            },
        ),
    },
)

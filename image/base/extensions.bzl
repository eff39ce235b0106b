"""Module extension: the packages and interpreters of the bases, and which of them this build has.

    base = use_extension("//image/base:extensions.bzl", "base")
    use_repo(base, "bases")

For every Python of //tools:pythons.bzl, such as 3.14, it makes

| repository | what is in it |
|---|---|
| `debian_3_14_amd64`, `debian_3_14_arm64` | the .deb files that `debian_3_14.lock.json` pins |
| `debian_python_3_14` | the interpreter in them |
| `hub_python_3_14` | the interpreter of `python:3.14-slim`, which MODULE.bazel pins |
| `bases` | names for those of the present mode; see //image/base:BUILD.bazel |

Every repository is fetched only when something needs it: a build on one base downloads nothing
of the others.
"""

load("//image/base/private:bases_repository.bzl", "bases_repository")
load("//image/base/private:debian_packages.bzl", "debian_packages")
load("//image/base/private:python_repository.bzl", "python_from_debian", "python_from_layout")
load("//tools:pythons.bzl", "PYTHONS", "python_missing", "python_suffix")

_ARCHITECTURES = ["amd64", "arm64"]

# What oci.pull adds to a repository's name for each platform.
_PULLED = {
    "linux_amd64": "amd64",
    "linux_arm64_v8": "arm64",
}

def _base_impl(mctx):
    for version in PYTHONS:
        suffix = python_suffix(version)
        if not python_missing("mirror", version):
            packages = {}
            for architecture in _ARCHITECTURES:
                repository = "debian_{}_{}".format(suffix, architecture)
                debian_packages(
                    name = repository,
                    architecture = architecture,
                    lock = Label("//image/base:debian_{}.lock.json".format(suffix)),
                )
                packages["@{}//:packages.json".format(repository)] = architecture
            python_from_debian(
                name = "debian_python_" + suffix,
                packages = packages,
                version = version,
            )
        python_from_layout(
            name = "hub_python_" + suffix,
            layouts = {
                Label("@python_{}_slim_{}//:index.json".format(suffix, platform)): architecture
                for platform, architecture in _PULLED.items()
            },
            version = version,
        )
    bases_repository(name = "bases")
    return mctx.extension_metadata(reproducible = True)

base = module_extension(
    implementation = _base_impl,
    doc = "Repositories of the bases that images stand on, and the interpreter of each.",
)

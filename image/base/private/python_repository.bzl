"""Repository rules: the base image's interpreter, unpacked for this machine's CPU.

Both leave the same tree, which is a Python prefix (`sys.prefix`):

    bin/python3.X      the launcher; python3 and python are links to it
    libexec/python3.X  the base's interpreter
    lib/python3.X      its standard library, with bytecode
    lib/<triplet>      the base's C library and what Python needs beside it

It is what tests and build actions run on, so nothing of the machine's own Python reaches the image. It is the same on
every machine, byte for byte: it is an input of every action, and a cache knows an action by its inputs.
"""

# Where CPython is in a base: built from source as in python:3.X-slim, or from Debian's packages.
_PREFIXES = ["usr/local", "usr"]

# Debian's name of the CPU and the part of its multiarch triplet before "-linux-gnu".
_CPUS = {
    "aarch64": ("arm64", "aarch64"),
    "amd64": ("amd64", "x86_64"),
    "x86_64": ("amd64", "x86_64"),
}

# Starts the base's Python with the base's C library, whatever the machine's is. argv[0] stays the
# launcher's own path (or a virtual environment's link to it), which is where Python takes
# sys.executable and sys.prefix from; so child processes and virtual environments start here again.
_LAUNCHER = """\
#!/bin/sh
self=$(readlink -f -- "$0")
prefix=${{self%/bin/*}}
exec "$prefix/{loader}" --inhibit-cache --argv0 "$0" --library-path "$prefix/lib:$prefix/lib/{triplet}" \\
    "$prefix/libexec/{python}" "$@"
"""

# `lib` is one input: linking its two thousand files into every sandbox would cost each action a tenth of a
# second. Of a directory Bazel sees only the time stamp, hence `contents.json`, which says what was unpacked.
_BUILD = """\
load("@rules_python//python:py_runtime.bzl", "py_runtime")
load("@rules_python//python:py_runtime_pair.bzl", "py_runtime_pair")

py_runtime(
    name = "python",
    files = [
        "contents.json",
        "lib",
        "libexec/@PYTHON@",
    ],
    interpreter = "bin/@PYTHON@",
    python_version = "PY3",
    visibility = ["//visibility:public"],
)

py_runtime_pair(
    name = "runtimes",
    py3_runtime = ":python",
    visibility = ["//visibility:public"],
)
"""

_VERSION = {
    "version": attr.string(doc = "Which Python it is, such as `3.13`.", mandatory = True),
}

def _cpu(rctx):
    if rctx.os.name != "linux" or rctx.os.arch not in _CPUS:
        fail("the base's interpreter runs on Linux on {}, not on {} {}".format(
            " and ".join(sorted(_CPUS)),
            rctx.os.name,
            rctx.os.arch,
        ))
    return _CPUS[rctx.os.arch]

def _execute(rctx, command):
    result = rctx.execute(command)
    if result.return_code:
        fail("the base's interpreter can't be unpacked: " + result.stderr)

def _move(rctx, source, destination):
    _execute(rctx, ["mv", source, destination])

def _remove(rctx, path):
    # Not rctx.delete: it crashes Bazel at a name that isn't ASCII, of which a base has some, where the locale is C.
    _execute(rctx, ["rm", "-rf", "--", path])

def _finish(rctx, cpu):
    """Turns the unpacked base in `root` into the repository."""
    python = "python" + rctx.attr.version
    triplet = cpu + "-linux-gnu"
    if not rctx.path("root/usr/lib/" + triplet).exists:
        fail("the base has no /usr/lib/{}: it must be Debian, or laid out like it, for {}".format(triplet, cpu))
    prefixes = [prefix for prefix in _PREFIXES if rctx.path("root/{}/lib/{}".format(prefix, python)).exists]
    if not prefixes:
        fail("the base has no CPython {}: neither /{} exists".format(
            rctx.attr.version,
            " nor /".join(["{}/lib/{}".format(prefix, python) for prefix in _PREFIXES]),
        ))
    prefix = prefixes[0]
    _execute(rctx, ["mkdir", "libexec"])
    _move(rctx, "root/{}/bin/{}".format(prefix, python), "libexec/" + python)
    _move(rctx, "root/{}/lib".format(prefix), "lib")
    if prefix != "usr":
        _move(rctx, "root/usr/lib/" + triplet, "lib/" + triplet)
    _remove(rctx, "root")

    loaders = [
        entry.basename
        for entry in rctx.path("lib/" + triplet).readdir()
        if entry.basename.startswith("ld-linux-")
    ]
    rctx.file("bin/" + python, _LAUNCHER.format(
        loader = "lib/{}/{}".format(triplet, loaders[0]),
        python = python,
        triplet = triplet,
    ))
    for name in ["python", "python3"]:
        # Not rctx.symlink, whose links are absolute.
        _execute(rctx, ["ln", "-s", python, "bin/" + name])

    # Unchecked: nobody writes here any more, and a start looks at no source file's time. What can't be compiled is
    # left to whoever imports it. Without `ddir` each file would hold its path in this output base (imported, a module
    # gets its real one again); without `-B` what the compiler imports would be there already, with a time in it. The
    # locale decides what Python imports by itself, and that how the compiler shares strings: hence `-X utf8`.
    compiled = rctx.execute([rctx.path("bin/" + python), "-I", "-S", "-B", "-X", "utf8", "-c", """\
import compileall, os, py_compile
unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
library = os.path.dirname(os.__file__)
compileall.compile_dir(library, maxlevels=20, ddir=os.path.join("lib", os.path.basename(library)), quiet=2, invalidation_mode=unchecked)
"""])
    if compiled.return_code:
        fail("the base's interpreter does not run on this machine: " + compiled.stderr)
    rctx.file("BUILD.bazel", _BUILD.replace("@PYTHON@", python), executable = False)

    # The same under every umask.
    _execute(rctx, ["chmod", "-R", "u+rwX,go+rX,go-w", "."])

def _python_from_debian_impl(rctx):
    architecture, cpu = _cpu(rctx)
    manifest = [label for label, name in rctx.attr.packages.items() if name == architecture][0]
    contents = rctx.read(manifest)
    dpkg_deb = rctx.which("dpkg-deb")
    if not dpkg_deb:
        fail("the base's interpreter comes in Debian packages, and there is no dpkg-deb here to unpack them: " +
             "run tools/bazel, which brings one, or install dpkg")
    for package in json.decode(contents):
        # Not rctx.extract: this takes a quarter of its time, and every build from nothing waits for it.
        _execute(rctx, [dpkg_deb, "--extract", rctx.path(manifest.same_package_label(package["name"] + ".deb")), "root"])

    # Before Debian 13 packages have files in /lib, and an installer makes it a link to /usr/lib.
    _execute(rctx, ["sh", "-c", "test -L root/lib || cp -a root/lib root/usr"])

    # They would lead to this machine's own files, such as sitecustomize.py.
    _execute(rctx, ["find", "root", "-type", "l", "-lname", "/*", "-delete"])
    rctx.file("contents.json", contents, executable = False)
    _finish(rctx, cpu)

python_from_debian = repository_rule(
    implementation = _python_from_debian_impl,
    doc = "The interpreter of the mirror base, from its Debian packages.",
    attrs = _VERSION | {
        "packages": attr.label_keyed_string_dict(
            doc = "`packages.json` of each `debian_packages` repository, and its CPU.",
            mandatory = True,
        ),
    },
)

def _blob(index, digest):
    return index.same_package_label("blobs/" + digest.replace(":", "/"))

def _apply_whiteouts(rctx, layer):
    """Deletes from `root` what the layer just unpacked there deletes.

    Of a whiteout the OCI image specification says: https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
    """
    for marker in rctx.execute(["find", "root", "-name", ".wh.*"]).stdout.splitlines():
        folder, _, name = marker.rpartition("/")
        if name == ".wh..wh..opq":
            # Opaque: of the folder there is what this layer brings, and nothing of the layers below.
            rctx.extract(layer, "layer")
            _remove(rctx, folder)
            _move(rctx, "layer" + folder.removeprefix("root"), folder)
            _remove(rctx, "layer")
        else:
            _remove(rctx, folder + "/" + name.removeprefix(".wh."))
    rctx.execute(["find", "root", "-name", ".wh.*", "-delete"])

def _python_from_layout_impl(rctx):
    architecture, cpu = _cpu(rctx)
    index = [label for label, name in rctx.attr.layouts.items() if name == architecture][0]
    digest = json.decode(rctx.read(index))["manifests"][0]["digest"]
    manifest = json.decode(rctx.read(_blob(index, digest)))
    for layer in manifest["layers"]:
        # A blob's name has no extension to tell the format by.
        suffix = {"gzip": ".gz", "zstd": ".zst", "tar": ""}[layer["mediaType"].replace(".", "+").split("+")[-1]]
        rctx.symlink(_blob(index, layer["digest"]), "layer.tar" + suffix)
        rctx.extract("layer.tar" + suffix, "root")
        _apply_whiteouts(rctx, "layer.tar" + suffix)
        rctx.delete("layer.tar" + suffix)
    rctx.file("contents.json", json.encode_indent(manifest, indent = "  ") + "\n", executable = False)
    _finish(rctx, cpu)

python_from_layout = repository_rule(
    implementation = _python_from_layout_impl,
    doc = "The interpreter of a base in an OCI layout, such as the python:3.X-slim that `oci.pull` fetches.",
    attrs = _VERSION | {
        "layouts": attr.label_keyed_string_dict(
            doc = "`index.json` of each platform's OCI layout, and its CPU.",
            mandatory = True,
        ),
    },
)

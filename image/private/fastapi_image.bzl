"""Macro: the image of a FastAPI application, as an OCI layout for each platform and as an index."""

load("@rules_oci//oci:defs.bzl", "oci_image", "oci_image_index", "oci_load", "oci_push")
load("//sbom:defs.bzl", "attestations", "attested_push")
load(":app_layer.bzl", "app_layer")
load(":base_interpreter.bzl", "base_interpreter")
load(":bytecode_layer.bzl", "bytecode_layer")
load(":loader.bzl", "loader")
load(":project_labels.bzl", "project_labels")
load(":project_metadata.bzl", "project_metadata")
load(":python_choice.bzl", "by_python", "lock_pythons")
load(":python_layers.bzl", "python_layers")
load(":start_check.bzl", "start_check")
load(":unwanted.bzl", "is_bazel_s")
load(":venv_layer.bzl", "venv_layer")

_CPUS = {
    "linux_amd64": Label("@platforms//cpu:x86_64"),
    "linux_arm64": Label("@platforms//cpu:aarch64"),
}

# Of each Python: `{}` stands for its version.
_BASE = str(Label("//image/base:python_{}"))

def _command(application, factory, host, port, workers, uvicorn_options):
    """The image's Cmd: what uvicorn is given."""
    return [application] + (["--factory"] if factory else []) + [
        "--host",
        host,
        "--port",
        str(port),
        "--workers",
        str(workers),
    ] + uvicorn_options

def _roots(workdir, uvicorn_options, env):
    """Folders below the working directory where import looks by uvicorn's options or PYTHONPATH."""
    folders = env.get("PYTHONPATH", "").split(":")
    for option, value in zip(uvicorn_options, uvicorn_options[1:] + [""]):
        folders += [value] if option == "--app-dir" else []
        folders += [option.removeprefix("--app-dir=")] if option.startswith("--app-dir=") else []
    folders = [folder.removeprefix(workdir).strip("/") for folder in folders if folder]
    return [folder.removeprefix("./") for folder in folders]

def fastapi_image(
        name,
        srcs,
        application = "main:app",
        factory = False,
        strip_prefix = None,
        dockerignore = None,
        python = None,
        pypi = "@pypi",
        dependencies = "runtime",
        platforms = _CPUS.keys(),
        distributions = None,
        bases = None,
        interpreter = None,
        base_layers = 5,
        host = "0.0.0.0",
        port = 8000,
        workers = 2,
        uvicorn_options = [],
        entrypoint = ["uvicorn"],
        cmd = None,
        user = "65532:65532",
        workdir = "/app",
        env = {},
        labels = {},
        pyproject = None,
        version = None,
        layers = [],
        bytecode = True,
        strip = True,
        compression_level = 5,
        large_distribution = 150000,
        small_layers = 11,
        max_layers = 40,
        python_home = "/usr/local/bin",
        repo_tags = None,
        repository = None,
        remote_tags = None,
        materials = [],
        visibility = None,
        tags = []):
    """Makes the image of a FastAPI application and everything to build, load and push it.

    The image follows the OCI image specification 1.1. Its layers are, from the lowest: the base, the
    virtual environment, one layer for each large distribution, the small ones in groups, `layers`,
    the application. The same inputs give the same digest on every machine.

    In it, uvicorn answers a request whose head is larger than 64 KiB, or has more than 256 headers,
    with 431, and closes connections whose trailers or chunk extensions are, or that send more than 32
    requests ahead: on httptools it would keep all of that in memory. This holds for every way to
    start uvicorn, gunicorn's workers included. The variable REQUEST_HEAD_LIMIT, in `env` or of the
    container, is another limit, in bytes.

    It makes these targets:

    | target | what it is |
    |---|---|
    | `<name>` | the image for the CPU of the target platform: a directory, an OCI image layout |
    | `<name>_linux_amd64`, `<name>_linux_arm64` | the image of one platform |
    | `<name>_index` | the image index of all platforms |
    | `<name>.digest`, `<name>_index.digest` | a file with the digest: `sha256:…` |
    | `<name>_load` | `bazel run`: loads `<name>` into Minikube or a container engine, only what is missing there |
    | `<name>_run` | `bazel run`: loads it and starts a container as restricted as in Kubernetes |
    | `<name>_linux_amd64_load`, `<name>_linux_arm64_load` | the same for an engine on another CPU than this one |
    | `<name>_archive`, `<name>_linux_amd64_archive`, … | an `oci_load`; its output group `tarball` is the image as one file for `docker load` |
    | `<name>_artifacts` | images, index, archives and bills of all platforms: what every machine makes alike |
    | `<name>_push` | `bazel run`: pushes the index, and the bills and provenance as its images' referrers; with `repository` only |
    | `<name>_push_image` | the same without the bills and provenance |
    | `<name>_sbom_linux_amd64`, … | the bill of materials, as SPDX 2.3 and CycloneDX 1.6 |
    | `<name>_provenance_linux_amd64`, … | the provenance, as SLSA 1.0 in an in-toto statement |
    | `<name>_app`, `<name>_venv`, `<name>_layers_linux_amd64`, `<name>_base_bytecode_linux_amd64`, `…_arm64` | the layers by themselves |

    The build fails with one line that says what and where if: `application` names no module, or no
    attribute of one in the sources; no distribution and no base brings the program that `entrypoint`
    names; a source isn't valid Python, or is a symbolic link out of the workspace; two sources have
    one path in the image; `max_layers` leaves no room for any distribution; a base has no
    interpreter of its version in `python_home`; the mode has no base with that Python.

    What is no part of an application is not packed, whatever `srcs` says, so `glob(["**"])` will do:
    settings and credentials (`.env*`, but `.env.example`, `.sample`, `.template` and `.dist` are
    packed; `.netrc`, `.pypirc`, `.git-credentials`), private keys, virtual environments,
    `node_modules`, what `.dockerignore` names; caches, folders of version control, Docker's and
    Bazel's files. The build says in one line what it left out, but for what nobody misses. What is
    wanted nevertheless goes into a tarball in `layers`.

    Args:
        name: name of the image.
        srcs: the application's sources and the data files that they read.
        application: what uvicorn starts, as `module:attribute`; checked unless `cmd` is given.
        factory: `application` names a function that returns the application, such as
            `shop.main:create_app`: uvicorn's `--factory`.
        strip_prefix: folder, relative to the workspace, whose contents go to `workdir`, or a list of
            them, such as `["services/api", "libs/common"]`; the longest wins. A file of `srcs` in
            none of them is data beside the code, such as `config/`: it keeps its path below the
            package of the BUILD file, or else the workspace. Default: that package.
        dockerignore: label of a file with patterns, in Docker's language, of what is not packed;
            they count from its folder on. Default: the package's `.dockerignore`, if there is one;
            "" is none.
        python: version of the base's Python, such as `"3.14"`: 3.11, 3.12, 3.13 or 3.14. Default: the one that
            the lock's distributions are for, which `uv.lock(python = …)` chooses; another one is an error.
        pypi: repository of the lock, as `uv.lock(name = "pypi")` makes it.
        dependencies: which set of the lock the image holds: `runtime`, or the name of a `uv.set`.
        platforms: list of the platforms that images are made for: `linux_amd64`, `linux_arm64`, or both.
        distributions: dict from platform (`linux_amd64`, `linux_arm64`) to the locked
            distributions for it. Its keys are the platforms that images are made for. Default:
            the project's dependencies in the lock that is `pypi`, for both.
        bases: dict from platform to the image below, an `oci_image` or what `oci.pull` gives, with
            CPython in `python_home`. Default: `//image/base:python_3_13_linux_amd64` and the like.
        interpreter: label of the `py_runtime` of `bases` for this machine's CPU: what runs there has to compile
            the bytecode. Default: `//image/base:python_3_13` and the like.
        base_layers: number of layers that `bases` have at most; it counts against `max_layers`.
        host: address to listen on.
        port: TCP port to listen on; also the image's exposed port.
        workers: number of uvicorn's worker processes. With 1 there is no supervisor.
        uvicorn_options: further options for uvicorn, such as `["--proxy-headers"]`. `--reload` is
            off without any: it takes no value, and `--reload=false` would stop the start.
        entrypoint: list, the image's Entrypoint.
        cmd: list, the image's Cmd. Default: the application and uvicorn's options from above.
        user: numeric `uid:gid` to run as; Kubernetes can't prove that a name isn't root.
        workdir: absolute path of the working directory, where the application lies. The virtual
            environment is `.venv` in it.
        env: dict of environment variables; `$NAME` is a variable of the base or an earlier one.
            Secrets belong into the environment of the container, never here. Before them come
            PATH (the virtual environment first), LANG, VIRTUAL_ENV and PYTHONUNBUFFERED.
        labels: dict of labels; they come after those from `pyproject` and win, and an empty value
            takes one out.
        pyproject: label of a pyproject.toml whose `[project]` gives `org.opencontainers.image.*`,
            `version` and `maintainer`. A project with a `[build-system]` is also installed, as uv
            does, in its place: code finds its version and entry points (`importlib.metadata`), its
            console scripts are there, its modules can be imported from everywhere. Default: none of
            this.
        version: the project's version, whatever `pyproject` says. One that is dynamic is found where
            hatch, setuptools, flit, pdm or poetry would read it, in a file among `srcs` named
            `__init__.py`, `__about__.py`, `version.py` or the like; for one that only a program can
            tell, as from the repository's history, the build says that it takes 0.0.0.
        layers: further tarballs (.tar, .tar.gz, .tar.zst), above the dependencies.
        bytecode: compile every module of the application, the dependencies and the base's standard
            library. Without, a container starts more slowly, as it can't keep what it compiles.
        strip: take debug sections and symbol tables out of the dependencies' compiled code.
        compression_level: zlib's level for all layers, 1 to 9. 5 is the best of size and time.
        large_distribution: size of its wheel in bytes from which on a distribution has its own layer,
            as far as `max_layers` reaches: the largest come first.
        small_layers: number of layers that the other distributions share, best a prime.
        max_layers: most layers that the image may have; engines allow 127. However long the lock
            is, there are no more.
        python_home: absolute path of the folder in the base that holds `python3.13`, or of whatever version it is.
        repo_tags: list of names with tags for `<name>_load`. The first also gets a tag that follows from the
            image's digest. Default: `["<name>:latest"]`.
        repository: where `<name>_push` pushes to, such as `registry.example/shop`. Default: none,
            and no such target.
        remote_tags: list of tags for `<name>_push`. Default: by digest only.
        materials: labels of the locks that the provenance names, such as `["//:uv.lock"]`.
        visibility: of all targets.
        tags: of all targets.
    """
    common = {"tags": tags, "visibility": visibility}
    command = cmd or _command(application, factory, host, port, workers, uvicorn_options)
    if type(srcs) == "list":
        srcs = [file for file in srcs if type(file) != "string" or not is_bazel_s(file)]
    if strip_prefix == None:
        strip_prefix = native.package_name()
    if type(strip_prefix) == "string":
        strip_prefix = [strip_prefix]
    if dockerignore == None:
        dockerignore = (native.glob([".dockerignore"], allow_empty = True) or [None])[0]
    project = name + "_project" if pyproject else None
    environment = workdir.strip("/") + "/.venv"
    settings = lock_pythons(pypi)
    distributions = distributions or {platform: "{}//:{}_{}".format(pypi, dependencies, platform) for platform in platforms}
    bases = bases or {platform: by_python(python, settings, _BASE + "_" + platform) for platform in _CPUS}
    layer = common | {"python": interpreter or by_python(python, settings, _BASE)}
    checked = {
        # Where the command is another, uvicorn may be given another application.
        "application": "" if cmd else application,
        "environment": workdir.strip("/") + "/.venv",
        "workdir": workdir.strip("/"),
    } | layer
    unknown = [platform for platform in distributions if platform not in _CPUS or platform not in bases]
    if unknown:
        fail("fastapi_image {}: no base for {}; platforms are {}".format(
            repr(name),
            ", ".join(unknown),
            ", ".join(_CPUS.keys()),
        ))

    venv_layer(
        name = name + "_venv",
        bytecode = bytecode,
        environment = environment,
        home = python_home,
        **layer
    )
    if project:
        project_metadata(
            name = project,
            srcs = srcs,
            environment = environment,
            pyproject = pyproject,
            strip_prefix = strip_prefix,
            version = version or "",
            workdir = workdir.strip("/"),
            **layer
        )
    app_layer(
        name = name + "_app",
        srcs = srcs,
        bytecode = bytecode,
        compression_level = compression_level,
        dockerignore = dockerignore or None,
        project = project,
        roots = _roots(workdir, uvicorn_options, env),
        strip_prefix = strip_prefix,
        **checked
    )
    project_labels(
        name = name + "_labels",
        labels = labels,
        project = project,
        pyproject = pyproject,
        **layer
    )
    for platform in distributions:
        if bytecode:
            bytecode_layer(
                name = "{}_base_bytecode_{}".format(name, platform),
                base = bases[platform],
                compression_level = compression_level,
                **layer
            )
        base_interpreter(
            name = "{}_base_interpreter_{}".format(name, platform),
            base = bases[platform],
            home = python_home,
            **layer
        )
        python_layers(
            name = "{}_python_{}".format(name, platform),
            bytecode = bytecode,
            compression_level = compression_level,
            distributions = distributions[platform],
            environment = environment,
            large_distribution = large_distribution,
            max_layers = max_layers,
            # The base's, its bytecode, the virtual environment, the caller's, the application.
            other_layers = base_layers + int(bytecode) + 1 + len(layers) + 1,
            small_layers = small_layers,
            strip = strip,
            version = python or "",
            **layer
        )
        start_check(
            name = "{}_start_{}".format(name, platform),
            app = name + "_app",
            base = bases[platform],
            further_layers = layers,
            layers = "{}_python_{}".format(name, platform),
            project = project,
            # With another PATH, a program may be anywhere.
            words = [] if "PATH" in env else (entrypoint or []) + command,
            **checked
        )
        native.filegroup(
            name = "{}_layers_{}".format(name, platform),
            srcs = ["{}_python_{}".format(name, platform)],
            data = [
                "{}_base_interpreter_{}".format(name, platform),
                "{}_start_{}".format(name, platform),
            ],
            **common
        )
        oci_image(
            name = "{}_{}".format(name, platform),
            base = bases[platform],
            cmd = command,
            entrypoint = entrypoint,
            env = {
                "PATH": "/{}/bin:$PATH".format(environment),
                # python:3.13-slim has none, and not every program follows Python's PEP 538.
                "LANG": "C.UTF-8",
                "VIRTUAL_ENV": "/" + environment,
                # A container's output is its log: a buffer would hold it back, or lose it when killed.
                "PYTHONUNBUFFERED": "1",
            } | env,
            exposed_ports = ["{}/tcp".format(port)],
            labels = name + "_labels",
            tars = (["{}_base_bytecode_{}".format(name, platform)] if bytecode else []) + [
                name + "_venv",
                "{}_layers_{}".format(name, platform),
            ] + layers + [
                name + "_app",
            ],
            user = user,
            workdir = workdir,
            **common
        )
    for suffix in ["", ".digest"]:
        native.alias(
            name = name + suffix,
            actual = select({
                _CPUS[platform]: "{}_{}{}".format(name, platform, suffix)
                for platform in distributions
            }),
            **common
        )
    oci_image_index(
        name = name + "_index",
        images = ["{}_{}".format(name, platform) for platform in distributions],
        **common
    )
    repo_tags = repo_tags or [name + ":latest"]
    for suffix in [""] + ["_" + platform for platform in distributions]:
        loader(
            name = name + suffix + "_load",
            image = name + suffix,
            names = repo_tags,
            verb = "load",
            **common
        )

        # rules_oci's own way hands the whole image to the engine and takes no arguments: kept for the archive.
        oci_load(
            name = name + suffix + "_archive",
            image = name + suffix,
            repo_tags = repo_tags,
            **common
        )
    loader(
        name = name + "_run",
        image = name,
        names = repo_tags,
        verb = "run",
        **common
    )
    attestations(
        name = name,
        bases = bases,
        distributions = distributions,
        materials = materials,
        **common
    )
    for platform in distributions:
        native.filegroup(
            name = "{}_{}_archive_file".format(name, platform),
            srcs = ["{}_{}_archive".format(name, platform)],
            output_group = "tarball",
            **common
        )
    native.filegroup(
        name = name + "_artifacts",
        srcs = [name + "_index"] + [
            target.format(name, platform)
            for platform in distributions
            for target in ("{}_{}", "{}_{}_archive_file", "{}_sbom_{}")
        ],
        **common
    )
    if repository:
        oci_push(
            name = name + "_push_image",
            image = name + "_index",
            remote_tags = remote_tags,
            repository = repository,
            **common
        )
        attested_push(
            name = name + "_push",
            image = name,
            platforms = distributions.keys(),
            push = name + "_push_image",
            repository = repository,
            **common
        )

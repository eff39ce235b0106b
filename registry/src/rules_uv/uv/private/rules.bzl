"""The rules behind create_venv, sync_venv and pip_compile."""

load("@rules_python//standin:launcher.bzl", "LAUNCHER_ATTRS", "TOOLCHAIN_TYPE", "interpreter", "launch", "rlocation")

_UV_TOOLCHAIN_TYPE = Label("//uv:toolchain_type")

_ATTRS = LAUNCHER_ATTRS | {
    "uv_args": attr.string_list(doc = "Arguments for uv."),
    "_main": attr.label(allow_single_file = True, default = Label("//uv/private:uv_tool.py")),
}

def _executable(ctx, command, spec, files):
    uv = ctx.toolchains[_UV_TOOLCHAIN_TYPE].uv
    python = interpreter(ctx).executable
    common = {
        "python": python if type(python) == "string" else rlocation(ctx, python),
        "uv": rlocation(ctx, uv),
        "uv_args": ctx.attr.uv_args,
    }
    return launch(ctx, ctx.file._main, [], command, common | spec, [uv] + files)

def _uv_venv_impl(ctx):
    spec = {
        "destination": ctx.attr.destination_folder,
        "extra_files": [rlocation(ctx, file) for file in ctx.files.site_packages_extra_files],
        "requirements": rlocation(ctx, ctx.file.requirements_txt),
    }
    files = [ctx.file.requirements_txt] + ctx.files.site_packages_extra_files
    return _executable(ctx, ctx.attr.mode, spec, files)

uv_venv = rule(
    implementation = _uv_venv_impl,
    doc = "Makes a virtual environment on the toolchain's interpreter, by `bazel run`.",
    attrs = _ATTRS | {
        "destination_folder": attr.string(mandatory = True),
        "mode": attr.string(mandatory = True, values = ["create", "sync"]),
        "requirements_txt": attr.label(allow_single_file = True, mandatory = True),
        "site_packages_extra_files": attr.label_list(allow_files = True),
    },
    executable = True,
    toolchains = [TOOLCHAIN_TYPE, _UV_TOOLCHAIN_TYPE],
)

def _compile(ctx, command, label):
    spec = {
        "command": "bazel run {}".format(label).replace("@@//", "//"),
        "platform": ctx.attr.python_platform,
        "requirements_in": rlocation(ctx, ctx.file.requirements_in),
        "requirements_txt": rlocation(ctx, ctx.file.requirements_txt),
        "universal": ctx.attr.universal,
    }
    files = [ctx.file.requirements_in, ctx.file.requirements_txt] + ctx.files.data
    if ctx.file.requirements_overrides:
        spec["overrides"] = rlocation(ctx, ctx.file.requirements_overrides)
        files.append(ctx.file.requirements_overrides)
    return [
        _executable(ctx, command, spec, files),
        # HOME has the machine's uv and pip settings, and .netrc.
        RunEnvironmentInfo(environment = ctx.attr.env, inherited_environment = ["HOME"]),
    ]

_COMPILE_ATTRS = _ATTRS | {
    "data": attr.label_list(allow_files = True),
    "env": attr.string_dict(),
    "python_platform": attr.string(),
    "requirements_in": attr.label(allow_single_file = True, mandatory = True),
    "requirements_overrides": attr.label(allow_single_file = True),
    "requirements_txt": attr.label(allow_single_file = True, mandatory = True),
    "universal": attr.bool(),
}

def _uv_pip_compile_impl(ctx):
    return _compile(ctx, "compile", ctx.label)

uv_pip_compile = rule(
    implementation = _uv_pip_compile_impl,
    doc = "Writes a requirements file in the workspace, by `bazel run`.",
    attrs = _COMPILE_ATTRS,
    executable = True,
    toolchains = [TOOLCHAIN_TYPE, _UV_TOOLCHAIN_TYPE],
)

def _uv_pip_compile_test_impl(ctx):
    return _compile(ctx, "check", ctx.attr.compiler.label)

uv_pip_compile_test = rule(
    implementation = _uv_pip_compile_test_impl,
    doc = "Fails when the requirements file is not what uv would write now.",
    attrs = _COMPILE_ATTRS | {"compiler": attr.label(mandatory = True)},
    test = True,
    toolchains = [TOOLCHAIN_TYPE, _UV_TOOLCHAIN_TYPE],
)

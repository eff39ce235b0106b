"""Rule: the locked files of sets of a lock, and a list of them for wheelhouse.py."""

load("//uv:providers.bzl", "DistributionSetInfo")

def _locked_wheels_impl(ctx):
    wheels = {}
    entries = {}
    for each in ctx.attr.sets:
        for distribution in each[DistributionSetInfo].distributions:
            if not distribution.sha256:
                continue  # a folder of the project, or a commit: where uv takes it from is in the lock
            wheel = distribution.wheel

            # A wheel under another name than the lock's was built from the source that is locked.
            locked = wheel.basename == distribution.filename
            if locked:
                wheels[wheel] = None
            entries[distribution.filename] = {
                "file": distribution.filename,
                "path": wheel.short_path if locked else None,
                "sha256": distribution.sha256,
            }
    list = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(list, json.encode_indent([entries[name] for name in sorted(entries)]) + "\n")
    return [DefaultInfo(
        files = depset([list]),
        runfiles = ctx.runfiles(files = [list] + wheels.keys()),
    )]

locked_wheels = rule(
    doc = """A JSON list of `{file, path, sha256}`; its runfiles hold the wheels.

`path` is relative to the workspace's folder in the runfiles; null where only a source is locked.""",
    implementation = _locked_wheels_impl,
    attrs = {
        "sets": attr.label_list(doc = "Such as `@pypi//:runtime_linux_amd64`.", mandatory = True, providers = [DistributionSetInfo]),
    },
)

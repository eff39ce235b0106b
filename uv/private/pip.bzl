"""Repository rule: what pip knows. Its own address of the default index is written nowhere else."""

load("//tools:pythons.bzl", "PYTHONS", "python_interpreter", "supply_mode")

_ASK = ["-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"]

def _pip_impl(rctx):
    python = rctx.which("python3")
    told = rctx.execute([python] + _ASK) if python else None
    if (not told or told.return_code) and supply_mode(rctx) == "hub":
        # The base of hub mode ships pip. A label here, not an attribute: it would be fetched for nothing.
        told = rctx.execute([rctx.path(python_interpreter("hub", PYTHONS[0]))] + _ASK)
    rctx.file("index", told.stdout if told and not told.return_code else "")
    rctx.file("BUILD.bazel", "exports_files([\"index\"])\n")

pip = repository_rule(
    doc = "`index`: the index that this machine's pip asks when nobody tells it another; empty where there is no pip.",
    implementation = _pip_impl,
)

"""Stand-in of buildozer's module extension: Bazel names it, only `bazel mod tidy` loads it."""

_SAYS = """\
#!/bin/sh
echo 'bazel mod tidy needs buildozer, which mirror mode has not: write the use_repo() lines of MODULE.bazel by hand' >&2
exit 1
"""

def _buildozer_repo_impl(rctx):
    rctx.file("BUILD.bazel", "")
    rctx.file("buildozer.exe", _SAYS)

_buildozer_repo = repository_rule(_buildozer_repo_impl)

def _buildozer_binary_impl(module_ctx):
    _buildozer_repo(name = "buildozer_binary")
    return module_ctx.extension_metadata(reproducible = True)

buildozer_binary = module_extension(_buildozer_binary_impl)

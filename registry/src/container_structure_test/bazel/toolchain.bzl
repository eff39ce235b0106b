"""The toolchain that holds the container-structure-test program."""

StructureTestInfo = provider(
    doc = "How to call container-structure-test.",
    fields = {"binary": "File, the program"},
)

def _structure_test_toolchain_impl(ctx):
    binary = ctx.executable.structure_test
    default = DefaultInfo(files = depset([binary]), runfiles = ctx.runfiles([binary]))
    variables = platform_common.TemplateVariableInfo({"STRUCTURE_TEST_BIN": binary.path})
    return [
        default,
        platform_common.ToolchainInfo(
            default = default,
            st_info = StructureTestInfo(binary = binary),
            template_variables = variables,
        ),
        variables,
    ]

structure_test_toolchain = rule(
    implementation = _structure_test_toolchain_impl,
    doc = "A toolchain of the type `@container_structure_test//bazel:structure_test_toolchain_type`.",
    attrs = {
        "structure_test": attr.label(
            allow_single_file = True,
            cfg = "exec",
            executable = True,
            mandatory = True,
            doc = "The container-structure-test program.",
        ),
    },
)

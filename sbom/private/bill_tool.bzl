"""The bill tool: //sbom/private/bill, which writes what is said about an image."""

load("//tools:python_tool.bzl", "python_tool")

bill_tool = python_tool(
    main = Label("//sbom/private/bill:__main__.py"),
    sources = Label("//sbom/private/bill:sources"),
)

def layout_inputs(target):
    """The files of an OCI layout: its blobs may be links to files that only its runfiles name."""
    return depset(transitive = [target[DefaultInfo].files, target[DefaultInfo].default_runfiles.files])

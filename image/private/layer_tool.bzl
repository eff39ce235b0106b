"""The layer tool: //image/private/layer, which makes every layer."""

load("//tools:python_tool.bzl", "python_tool")

layer_tool = python_tool(
    # It reads wheels itself.
    libraries = [
        Label("@uv_installer//:file"),
        Label("//uv/private/python/wheels:sources"),
    ],
    main = Label("//image/private/layer:__main__.py"),
    python = Label("//image/base:python"),
    sources = Label("//image/private/layer:sources"),
)

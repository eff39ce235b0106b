"""The wheel tool: //uv/private/python/wheels, which reads and builds wheels in actions."""

load("//tools:python_tool.bzl", "python_tool")
load("//tools:pythons.bzl", "PYTHONS", "python_runtime")

# PyPA's library that says where a wheel's files belong.
INSTALLER = Label("@uv_installer//:file")

wheel_tool = python_tool(
    libraries = [INSTALLER],
    python = python_runtime(PYTHONS[0]),
    main = Label("//uv/private/python/wheels:__main__.py"),
    sources = Label("//uv/private/python/wheels:sources"),
)

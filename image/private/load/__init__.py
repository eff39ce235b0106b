"""Loads an OCI image layout into the container engine of this machine; moves only what is missing.

`python -m load` has the command line. Standard library only: it runs on the base's interpreter.
"""

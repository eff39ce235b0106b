"""The layer tool: everything that the image's actions run, one sub-command per kind of layer.

Standard library only, because it runs on the base image's own interpreter. It starts once per
layer, so modules that are slow to import (typing, argparse, pathlib, tarfile, hashlib's OpenSSL)
are left out, or imported where they are needed.
"""

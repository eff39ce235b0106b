"""Unpack a tar that install.py wrote: unpack.py ARCHIVE DIRECTORY."""

import sys
import tarfile

with tarfile.open(sys.argv[1]) as archive:
    archive.extractall(sys.argv[2], filter="tar")

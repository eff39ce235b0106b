"""PyPA's `installer`, which the layer tool reads wheels by."""

import os
import sys

# The library is a wheel, and in actions Python finds it there as well.
if "INSTALLER" in os.environ:
    sys.path.append(os.path.realpath(os.environ["INSTALLER"]))

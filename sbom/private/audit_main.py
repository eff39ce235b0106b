"""Starts the audit: see //sbom/private/bill:audit.py."""

import sys

from bill.audit import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

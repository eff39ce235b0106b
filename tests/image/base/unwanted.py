"""Programs by which somebody who got in would make themselves at home."""

import re

PROGRAM = re.compile(
    r"(^|/)((ba|da|z|c|tc|k|fi)?sh|busybox|apt.*|dpkg.*|rpm|pip[0-9.]*|perl.*|su|sudo|mount|passwd"
    r"|login|useradd|openssl|curl|wget|gcc.*|ld\.bfd|python3?-config)$"
)

"""Bytecode that fits its source for ever: unchecked hash-based .pyc files (PEP 552).

A timestamp .pyc is silently ignored when the image's clock-less files don't match it; an
unchecked-hash one is loaded without a look at the source.
"""

from __future__ import annotations

import marshal
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash

from layer.errors import LayerError

# PEP 552: bit 0 says hash-based; bit 1 (check the source at run time) stays off.
_FLAGS = (0b01).to_bytes(4, "little")


def compile_source(source: bytes, filename: str, optimize: int = -1) -> bytes:
    """Returns the .pyc of a module.

    Args:
        source: the module's text, in the encoding that it declares (PEP 263).
        filename: the module's path in the image, which tracebacks show.
        optimize: as for `compile()`: -1 is this interpreter's own level.

    Raises:
        LayerError: the source isn't valid Python; the message names file and line.
    """
    try:
        code = compile(source, filename, "exec", dont_inherit=True, optimize=optimize)
        marshalled = marshal.dumps(code)
    except SyntaxError as error:
        raise LayerError(f"{filename}:{error.lineno or 1}: syntax error: {error.msg}") from None
    except (ValueError, OverflowError) as error:  # a null byte
        raise LayerError(f"{filename}:1: syntax error: {error}") from None
    except (RecursionError, MemoryError):
        raise LayerError(f"{filename}:1: syntax error: it is nested too deeply") from None
    return MAGIC_NUMBER + _FLAGS + source_hash(source) + marshalled


def cache_path(path: str) -> str:
    """Returns where Python looks for the bytecode of `path` (PEP 3147)."""
    return cache_from_source(path)

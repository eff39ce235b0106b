"""Bytecode that fits its source for ever: unchecked hash-based .pyc files (PEP 552).

A timestamp .pyc is silently ignored when the image's clock-less files don't match it; an
unchecked-hash one is loaded without a look at the source.
"""

from __future__ import annotations

import marshal
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from types import CodeType

from layer.errors import LayerError

# PEP 552: bit 0 says hash-based; bit 1 (check the source at run time) stays off.
_FLAGS = (0b01).to_bytes(4, "little")

# A string of one character is one object, and marshal writes whether it is interned: before Python
# 3.12 that depends on what the process has met. So all of them are, in every process that compiles.
for _number in range(256):
    sys.intern(chr(_number))


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
        if _is_met_before(code):
            marshalled = _compile_elsewhere(source, filename, optimize)
        else:
            # marshal marks what has more than one reference, as it has in the other process; and a
            # call takes none of its own from Python 3.14 on.
            references = [code, code]
            marshalled = marshal.dumps(references[0])
    except SyntaxError as error:
        raise LayerError(f"{filename}:{error.lineno or 1}: syntax error: {error.msg}") from None
    except (ValueError, OverflowError) as error:  # a null byte
        raise LayerError(f"{filename}:1: syntax error: {error}") from None
    except (RecursionError, MemoryError):
        raise LayerError(f"{filename}:1: syntax error: it is nested too deeply") from None
    return MAGIC_NUMBER + _FLAGS + source_hash(source) + marshalled


def _is_met_before(code: CodeType) -> bool:
    """Whether the bytes would depend on what this process has imported or compiled.

    The compiler keeps one object for equal constants, and marshal writes the second as a reference
    to the first. But it also interns strings, names and those in a frozenset among them: where an
    equal one is interned already, as that of a class imported here, that takes its place, and the
    constant that was one with it stays behind.
    """
    seen: dict[object, object] = {}
    constants: list[object] = [code]
    for each in constants:  # grows
        if isinstance(each, CodeType):
            # The body of a class has the class's name as a constant, too.
            constants += [each.co_qualname, *each.co_consts]
        elif type(each) is tuple:
            constants += each
        elif type(each) in (str, frozenset) and seen.setdefault(each, each) is not each:
            return True
    return False


def _compile_elsewhere(source: bytes, filename: str, optimize: int) -> bytes:
    """Returns the marshalled code of a valid source, compiled in a process that has met nothing."""
    import subprocess

    python = [sys.executable, "-I", "-S", "-B", "-W", "ignore"]
    work = (
        "import marshal, sys\n"
        "for number in range(256): sys.intern(chr(number))\n"
        "source, name, optimize = sys.stdin.buffer.read(), sys.argv[1], int(sys.argv[2])\n"
        "code = compile(source, name, 'exec', dont_inherit=True, optimize=optimize)\n"
        "sys.stdout.buffer.write(marshal.dumps(code))\n"
    )
    done = subprocess.run(  # noqa: S603
        [*python, "-c", work, filename, str(optimize)],
        input=source,
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout


def cache_path(path: str) -> str:
    """Returns where Python looks for the bytecode of `path` (PEP 3147)."""
    return cache_from_source(path)

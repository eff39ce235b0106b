"""Which Python a project runs on, by its `requires-python` (PEP 440's version specifiers)."""

_OPERATORS = ["===", "~=", "==", "!=", "<=", ">=", "<", ">"]

# Patch releases of a minor version that a base may have.
_PATCHES = range(60)

def requires_python(lock):
    """`requires-python` as a lock states it.

    Args:
        lock: text of uv.lock.

    Returns:
        str, such as `>=3.11, <3.14`; `""` when there is none.
    """
    for line in lock.partition("[[package]]")[0].splitlines():
        key, _, value = line.partition(" = ")
        if key == "requires-python":
            return value.strip().strip("\"")
    return ""

def _numbers(text):
    """(3, 13, 1) and whether it ends in `.*`."""
    wildcard = text.endswith(".*")
    numbers = []
    for part in text.removesuffix(".*").split("."):
        # A pre-release bound is that of its release: 3.14.0rc1.
        digits = ""
        for letter in part.elems():
            if not letter.isdigit():
                break
            digits += letter
        numbers.append(int(digits or "0"))
    return numbers, wildcard

def _padded(numbers):
    return (numbers + [0, 0, 0])[:3]

def _allows(clause, version):
    operator = [each for each in _OPERATORS if clause.startswith(each)][:1]
    if not operator:
        return True
    operator = operator[0]
    bound, wildcard = _numbers(clause[len(operator):].strip())
    prefix = version[:len(bound)] == bound
    if operator in ("==", "==="):
        return prefix if wildcard else version == _padded(bound)
    if operator == "!=":
        return not (prefix if wildcard else version == _padded(bound))
    if operator == "~=":
        return version >= _padded(bound) and version[:len(bound) - 1] == bound[:-1]
    bound = _padded(bound)
    return {
        "<": version < bound,
        "<=": version <= bound,
        ">": version > bound,
        ">=": version >= bound,
    }[operator]

def allows(specifiers, minor):
    """Whether some release of a minor version satisfies all specifiers.

    Args:
        specifiers: str, such as `>=3.11, <3.14`.
        minor: str, such as `3.13`.
    """
    clauses = [clause.strip() for clause in specifiers.split(",") if clause.strip()]
    numbers = [int(part) for part in minor.split(".")]
    return any([
        all([_allows(clause, numbers + [patch]) for clause in clauses])
        for patch in _PATCHES
    ])

"""Image references such as `registry.example:5000/team/app:1.2@sha256:…`."""

def parse_reference(reference):
    """Splits an image reference.

    A reference without a registry is Docker Hub's.

    Args:
      reference: the reference, optionally with `http://` or `https://` before it.

    Returns:
      A struct of `scheme` ("http" or "https"), `registry`, `repository`, and `digest` and `tag`, which
      are None when they are not there.
    """
    scheme, separator, rest = reference.partition("://")
    if not separator:
        scheme, rest = "https", reference
    rest, _, digest = rest.partition("@")
    tag = None

    # A colon before the last slash is a port.
    head, colon, last = rest.rpartition(":")
    if colon and "/" not in last:
        rest, tag = head, last
    if "/" not in rest:
        rest = "docker.io/library/" + rest
    registry, _, repository = rest.partition("/")
    if registry == "docker.io":
        registry = "index.docker.io"
    return struct(
        digest = digest or None,
        registry = registry,
        repository = repository,
        scheme = scheme,
        tag = tag,
    )

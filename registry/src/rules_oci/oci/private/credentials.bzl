"""Credentials for a registry: what `docker login` or `podman login` has kept, and bearer tokens."""

ENVIRONMENT = ["DOCKER_CONFIG", "HOME", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"]

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

# Printable ASCII, from the space on: what a name and a password are made of.
_PRINTABLE = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

def decode_base64(text):
    """Decodes base64 (RFC 4648) of printable ASCII; fails on anything else.

    Args:
      text: the encoded text, with or without padding.

    Returns:
      The text.
    """
    bits, count, result = 0, 0, []
    for character in text.strip().rstrip("=").elems():
        value = _BASE64.find(character)
        if value < 0:
            fail("not base64")
        bits, count = (bits << 6) | value, count + 6
        if count >= 8:
            count -= 8
            code = (bits >> count) - 32
            bits = bits & ((1 << count) - 1)
            if code < 0 or code >= len(_PRINTABLE):
                fail("credentials hold a character that is not printable ASCII")
            result.append(_PRINTABLE[code])
    return "".join(result)

def parse_challenge(header):
    """Splits a WWW-Authenticate header (RFC 9110, 11.6.1) of one challenge.

    Args:
      header: such as `Bearer realm="https://registry.example/token",service="registry.example"`.

    Returns:
      The scheme in lower case, and the dict of its parameters.
    """
    scheme, _, rest = header.strip().partition(" ")
    parameters = {}

    # Quoted values are the odd parts between quotation marks.
    parts = rest.split("\"")
    for position in range(0, len(parts) - 1, 2):
        parameters[parts[position].strip(" ,=").lower()] = parts[position + 1]
    return scheme.lower(), parameters

def _config_files(rctx):
    if rctx.attr.config:
        return [rctx.path(rctx.attr.config)]
    environ = rctx.os.environ
    paths = [environ.get("REGISTRY_AUTH_FILE", "")]
    for variable, suffix in [
        ("DOCKER_CONFIG", "/config.json"),
        ("HOME", "/.docker/config.json"),
        ("XDG_RUNTIME_DIR", "/containers/auth.json"),
    ]:
        if environ.get(variable):
            paths.append(environ[variable] + suffix)
    return [rctx.path(path) for path in paths if path]

def _login(rctx):
    """The user name and the password for the registry, or None."""
    registry = rctx.attr.registry
    names = [registry, "https://" + registry, "http://" + registry]
    if registry == "index.docker.io":
        names += ["docker.io", "https://index.docker.io/v1/"]
    for path in _config_files(rctx):
        if not path.exists:
            continue
        config = json.decode(rctx.read(path))
        for name in names:
            entry = config.get("auths", {}).get(name) or {}
            if entry.get("auth"):
                user, _, password = decode_base64(entry["auth"]).partition(":")
                return user, password
            if entry.get("username"):
                return entry["username"], entry.get("password", "")
            if name in config.get("credHelpers", {}):
                fail("oci.pull: {} names a credential helper for {}; mirror mode reads no helper: use Bazel's --credential_helper, or `docker login` without one".format(path, registry))
    return None

def authorization(rctx):
    """What to give Bazel's downloader as `auth` for the registry.

    Args:
      rctx: context of a repository rule with `registry`, `repository`, `config` and
        `www_authenticate_challenges`.

    Returns:
      A dict, empty for a registry that asks for nothing.
    """
    login = _login(rctx)
    basic = {"type": "basic", "login": login[0], "password": login[1]} if login else {}
    header = rctx.attr.www_authenticate_challenges.get(rctx.attr.registry)
    if not header:
        return basic
    scheme, parameters = parse_challenge(header)
    if scheme == "basic":
        return basic
    if scheme != "bearer" or "realm" not in parameters:
        fail("oci.pull: the challenge of {} is neither Basic nor a Bearer with a realm: {}".format(rctx.attr.registry, header))
    if not parameters["realm"].startswith("https://"):
        fail("oci.pull: {} has its tokens at {}: Bazel fetches them by TLS alone".format(rctx.attr.registry, parameters["realm"]))
    query = ["scope=" + parameters.get("scope", "repository:{}:pull".format(rctx.attr.repository))]
    if "service" in parameters:
        query.append("service=" + parameters["service"])
    url = parameters["realm"] + "?" + "&".join(query)
    result = rctx.download(url, ".token.json", auth = {url: basic} if basic else {}, allow_fail = True)
    if not result.success:
        fail("oci.pull: {} gives no token for {}: does it want `docker login`?".format(parameters["realm"], rctx.attr.repository))
    answer = json.decode(rctx.read(".token.json"))
    rctx.delete(".token.json")
    return {
        "type": "pattern",
        "pattern": "Bearer <password>",
        "password": answer.get("token") or answer["access_token"],
    }

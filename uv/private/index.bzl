"""Where a locked file is downloaded from, and with which credentials. Bazel's downloader does it.

A file is asked for, by its SHA-256, in this order:

1. Bazel's repository cache: then nothing is asked of the network;
2. the package indexes that this machine is configured for (`UV_INDEX`, `UV_DEFAULT_INDEX` and their older names; the
   front door translates pip's and uv's configuration files into these), and the folders of `UV_FIND_LINKS`;
3. the address in the lock;
4. the project's own `[[tool.uv.index]]`;
5. where the lock has no address and nothing is configured: the default index of this machine's pip.

Credentials are those of the machine's index addresses, `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`, netrc, and Bazel's
credential helper. They are never part of an attribute, a file or a message.
"""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "read_user_netrc", "use_netrc")

# PEP 503, and PEP 691's name of it.
_ACCEPT = "application/vnd.pypi.simple.v1+html, text/html;q=0.2"

_HEX = "0123456789abcdef"

def unquoted(text):
    """A percent-encoded text (RFC 3986, section 2.1) as it is meant."""
    if "%" not in text:
        return text
    first = text.split("%")[0]
    result = first
    for part in text.split("%")[1:]:
        high, low = _HEX.find(part[:1].lower()), _HEX.find(part[1:2].lower())
        if len(part) < 2 or high < 0 or low < 0 or high > 7:
            result += "%" + part
        else:
            result += _ASCII[16 * high + low] + part[2:]
    return result

# Starlark has no chr().
_ASCII = [" "] * 32 + list((
    " !\"#$%&'()*+,-./0123456789:;<=>?" +
    "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_" +
    "`abcdefghijklmnopqrstuvwxyz{|}~ "
).elems())

def split_credentials(url):
    """An address without its credentials, and these.

    Args:
        url: absolute address.

    Returns:
        (address, login, password); `""` for what it lacks.
    """
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    userinfo, at, host = authority.rpartition("@")
    login, _, password = userinfo.partition(":")
    return scheme + separator + host + slash + path, unquoted(login), unquoted(password)

def origin(url):
    """Scheme, host and port of an address: what credentials are for."""
    scheme, _, rest = url.partition("://")
    return "{}://{}".format(scheme, rest.partition("/")[0])

def _joined(base, reference):
    """The address of a link on a page (RFC 3986, section 5, as far as package indexes use it)."""
    if "://" in reference.split("?")[0].split("#")[0]:
        return reference
    if reference.startswith("//"):
        return base.partition(":")[0] + ":" + reference
    if reference.startswith("/"):
        return origin(base) + reference
    folders = base.partition("://")[2].split("?")[0].split("/")[1:-1]
    for part in reference.split("/"):
        if part == "..":
            folders = folders[:-1]
        elif part != ".":
            folders = folders + [part]
    return origin(base) + "/" + "/".join(folders)

def links(page, base):
    """Links of a PEP 503 page.

    Args:
        page: the page, as HTML.
        base: its address.

    Returns:
        dict from file name to address.
    """
    found = {}
    for anchor in page.split("<a")[1:]:
        if not anchor[:1].isspace():
            continue
        attributes = anchor.partition(">")[0]
        for start in ("href=\"", "href='"):
            if start in attributes:
                href = attributes.partition(start)[2].partition(start[-1])[0]
                href = href.replace("&amp;", "&").split("#")[0]
                url = _joined(base, href)
                found[unquoted(url.split("?")[0].rpartition("/")[2])] = url
    return found

def _words(environ, name):
    return [word for word in environ.get(name, "").replace(",", " ").replace("\n", " ").split(" ") if word]

def _named(text):
    """uv's `NAME=ADDRESS`, or an address alone: (name, address)."""
    name, equals, address = text.partition("=")
    return (name, address) if equals and "/" not in name and ":" not in name else ("", text)

def machine_indexes(environ):
    """The indexes that the machine is configured for, uv's first choice first.

    Args:
        environ: dict of the environment's variables.

    Returns:
        list of (name or "", address with credentials as configured).
    """
    if environ.get("UV_NO_INDEX"):
        return []
    found = [_named(word) for word in _words(environ, "UV_INDEX") + _words(environ, "UV_EXTRA_INDEX_URL")]
    default = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    return found + ([_named(default)] if default else [])

def _variable(name):
    """uv's `NAME` of an index in `UV_INDEX_<NAME>_USERNAME`."""
    return "".join([c if c.isalnum() else "_" for c in name.upper().elems()])

def _credentials(environ, named):
    """Origin → (login, password), from addresses and from variables."""
    found = {}
    for name, url in named:
        bare, login, password = split_credentials(url)
        if name:
            variable = "UV_INDEX_" + _variable(name)
            login = environ.get(variable + "_USERNAME") or login
            password = environ.get(variable + "_PASSWORD") or password
        if login or password:
            found.setdefault(origin(bare), (login, password))
    return found

def _auth(rctx, credentials, url):
    own = credentials.get(origin(url))
    if own:
        return {url: {"login": own[0], "password": own[1], "type": "basic"}}
    netrc = rctx.os.environ.get("NETRC")
    if netrc or rctx.os.environ.get("HOME"):
        return use_netrc(read_user_netrc(rctx), [url], {})
    return {}

def _find(rctx, credentials, index, distribution, file):
    """The file's address on an index, or the words that say why there is none."""
    page = split_credentials(index)[0].rstrip("/") + "/" + distribution + "/"
    got = rctx.download(
        url = page,
        output = "index.html",
        allow_fail = True,
        auth = _auth(rctx, credentials, page),
        headers = {"Accept": _ACCEPT},
    )
    if not got.success:
        return None, "can't be reached, refuses the request or doesn't have this package"
    url = links(rctx.read("index.html", watch = "no"), page).get(file)
    rctx.delete("index.html")
    return url, None if url else "doesn't have {}".format(file)

def _find_links(rctx, credentials, place, file):
    """The file's address in a folder, or on a page of links."""
    place = place.removeprefix("file://")
    if place.startswith("/"):
        path = rctx.path(place).get_child(file)
        return "file://" + str(path) if path.exists else None
    page = split_credentials(place)[0]
    got = rctx.download(url = page, output = "index.html", allow_fail = True, auth = _auth(rctx, credentials, page))
    if not got.success:
        return None
    url = links(rctx.read("index.html", watch = "no"), page).get(file)
    rctx.delete("index.html")
    return url

def download(rctx, distribution, file, sha256, url = "", project_indexes = []):
    """Downloads a locked file into the repository, or says in one sentence why it can't be had.

    Args:
        rctx: the repository rule's context.
        distribution: normalised name (PEP 503).
        file: its file name, and the downloaded file's path.
        sha256: its SHA-256, 64 hexadecimal digits.
        url: its address in the lock; `""` when the lock has none.
        project_indexes: list of (name, address) of `[[tool.uv.index]]` that may have it.

    Returns:
        None, or what went wrong.
    """

    # Without an address Bazel looks into its repository cache, and that is all.
    if rctx.download(url = [], output = file, sha256 = sha256, allow_fail = True).success:
        return None
    environ = rctx.os.environ
    machine = machine_indexes(environ)
    credentials = _credentials(environ, machine + project_indexes)
    tried = []
    reasons = []

    def get(address, place):
        address, login, password = split_credentials(address)
        if login:
            credentials.setdefault(origin(address), (login, password))
        tried.append(place)
        return rctx.download(
            url = address,
            output = file,
            sha256 = sha256,
            allow_fail = True,
            auth = _auth(rctx, credentials, address),
        ).success

    def ask(index, place):
        found, reason = _find(rctx, credentials, index, distribution, file)
        if reason:
            reasons.append("{} {}".format(place, reason))
        return found and get(found, place)

    for folder in _words(environ, "UV_FIND_LINKS"):
        found = _find_links(rctx, credentials, folder, file)
        if found and get(found, "UV_FIND_LINKS"):
            return None
    for name, index in machine:
        if ask(index, "the index that this machine is configured for"):
            return None
    if url and not environ.get("UV_OFFLINE"):
        if get(url, "the address in the lock"):
            return None
    for name, index in project_indexes:
        if ask(index, "index \"{}\" of pyproject.toml".format(name)):
            return None
    if not url and not machine and not project_indexes:
        default = None if environ.get("UV_NO_INDEX") else rctx.read(rctx.path(Label("@uv_pip//:index")), watch = "no").strip()
        if not default:
            reasons.append("the lock has no address, and this machine is configured for no index: set UV_DEFAULT_INDEX")
        elif ask(default, "pip's default index"):
            return None
    if tried:
        reasons.append(("{} gives other bytes under this name than the lock pins by sha256, or breaks off; Bazel's " +
                        "warning above says which").format(" and ".join({place: None for place in tried}.keys())))
    return "; ".join(reasons)

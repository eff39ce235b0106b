"""Where a locked file is downloaded from, and with which credentials. Bazel's downloader does it.

A file is asked for, by its SHA-256, in this order:

1. Bazel's repository cache: then nothing is asked of the network;
2. the folders and pages of `UV_FIND_LINKS`;
3. the package indexes that this machine is configured for: `UV_INDEX`, `UV_DEFAULT_INDEX` and their older names. The
   front door translates pip's and uv's configuration files into these;
4. the address in the lock;
5. the project's own `[[tool.uv.index]]`;
6. where the lock has no address and the machine is configured for no index: the default index of its pip.

Pages of an index at `http://` are read by page.py: Bazel downloads nothing over plain HTTP whose checksum it doesn't know.

Credentials are those of the machine's index addresses, `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`, netrc, and Bazel's
credential helper. They are never part of an attribute, a file or a message.
"""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "read_netrc", "read_user_netrc")
load("//tools:pythons.bzl", "PYTHONS", "python_interpreter", "supply_mode")

# PEP 503 and PEP 691; page.py reads either.
_ACCEPT = "application/vnd.pypi.simple.v1+html, application/vnd.pypi.simple.v1+json;q=0.2, text/html;q=0.1"

_REMEDY = ". Try again when it is there, or name an index that has it in UV_DEFAULT_INDEX"

# Bytes: more than most wheels.
_ROOM = 1 << 20

_HEX = "0123456789abcdef"

def unquoted(text):
    """A percent-encoded text (RFC 3986, section 2.1) as it is meant.

    Args:
        text: ASCII text.

    Returns:
        The text; what is no code of an ASCII character stays as it is.
    """
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
    userinfo, _, host = authority.rpartition("@")
    login, _, password = userinfo.partition(":")
    return scheme + separator + host + slash + path, unquoted(login), unquoted(password)

def origin(url):
    """Scheme, host and port of an address: what credentials are for."""
    scheme, _, rest = url.partition("://")
    return "{}://{}".format(scheme, rest.partition("/")[0])

def _host(url):
    host = origin(url).partition("://")[2]
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host

def _words(environ, name):
    return [word for word in environ.get(name, "").replace("\n", " ").split(" ") if word]

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
    found = [_named(word) for word in _words(environ, "UV_INDEX") + _words(environ, "UV_EXTRA_INDEX_URL")]
    default = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    return found + ([_named(default)] if default else [])

def _yes(environ, name):
    """Whether a variable of uv's is set to something that is true."""
    return environ.get(name, "").lower() not in ("", "0", "f", "false", "n", "no", "off")

def _variable(name):
    """uv's `NAME` of an index in `UV_INDEX_<NAME>_USERNAME`."""
    return "".join([c if c.isalnum() else "_" for c in name.upper().elems()])

def _with_credentials(environ, name, index):
    """An index: its name, its address, and its login and password from there or from variables."""
    address, login, password = split_credentials(index)
    variable = "UV_INDEX_" + _variable(name)
    return struct(
        address = address,
        login = name and environ.get(variable + "_USERNAME") or login,
        name = name,
        password = name and environ.get(variable + "_PASSWORD") or password,
    )

def _netrc(rctx):
    named = rctx.os.environ.get("NETRC")
    if named:
        return read_netrc(rctx, named) if rctx.path(named).exists else {}
    return read_user_netrc(rctx) if rctx.os.environ.get("HOME") else {}

def _auth(rctx, indexes, url):
    """Bazel's `auth` of an address: of the first of these indexes that lies on the same origin, else netrc's."""
    for index in indexes:
        if (index.login or index.password) and origin(index.address) == origin(url):
            return {url: {"login": index.login, "password": index.password, "type": "basic"}}

    # Not use_netrc, which looks for the host with its port: a machine in netrc has none. "" is its `default`.
    netrc = _netrc(rctx)
    found = netrc.get(_host(url)) or netrc.get("") or {}
    if "login" in found and "password" in found:
        return {url: {"login": found["login"], "password": found["password"], "type": "basic"}}
    return {}

def _find(rctx, indexes, page, file):
    """The file's address on a page of links, or the words that say why there is none: (address, None) or (None, words)."""
    auth = _auth(rctx, indexes, page)
    environment = {}
    saved = []
    if page.startswith("file://"):
        path = rctx.path(unquoted(page.removeprefix("file://")))
        if path.is_dir:
            path = path.get_child("index.html")
        if not path.exists:
            return None, "doesn't have this package"
        saved = [path]
    elif page.startswith("http://"):
        own = auth.get(page, {})
        environment = {"LOGIN": own.get("login", ""), "PASSWORD": own.get("password", "")}
    else:
        got = rctx.download(url = page, output = "index.html", allow_fail = True, auth = auth, headers = {"Accept": _ACCEPT})
        if not got.success:
            return None, "can't be reached, refuses the request or doesn't have this package, as Bazel's warning above says"
        saved = ["index.html"]
    python = rctx.path(python_interpreter(supply_mode(rctx), PYTHONS[0]))
    finder = rctx.path(Label("//uv/private:page.py"))
    told = rctx.execute([python, "-I", "-S", "-B", finder, file, page] + saved, environment = environment)
    rctx.delete("index.html")
    if told.return_code:
        return None, (told.stderr.strip().splitlines() or ["can't be read"])[-1]
    return told.stdout.strip(), None

def _find_links(rctx, indexes, place, file):
    """The same of a folder, or of a page of links."""
    folder = place.removeprefix("file://")
    if folder.startswith("/"):
        path = rctx.path(unquoted(folder) if folder != place else folder).get_child(file)
        return ("file://" + str(path), None) if path.exists else (None, "doesn't have {}".format(file))
    return _find(rctx, indexes, split_credentials(place)[0], file)

def _places(rctx, url, project_indexes):
    """Where a file is looked for, in this order: list of (words for it, indexes, address, how it is found there)."""
    environ = rctx.os.environ
    links = [place.strip() for place in environ.get("UV_FIND_LINKS", "").split(",") if place.strip()]
    places = [("UV_FIND_LINKS", [_with_credentials(environ, "", place)], place, "links") for place in links]
    machine = []
    if not _yes(environ, "UV_NO_INDEX"):
        machine = [_with_credentials(environ, name, index) for name, index in machine_indexes(environ)]
    project = [_with_credentials(environ, name, index) for name, index in project_indexes]
    for index in machine:
        words = "the index \"{}\" of this machine".format(index.name) if index.name else "the index that this machine is configured for"
        places.append((words, [index] + machine + project, index.address, "index"))
    if url:
        bare, login, password = split_credentials(url)
        own = struct(address = bare, login = login, name = "", password = password)
        places.append(("the address in the lock", [own] + machine + project, bare, "file"))
    if not _yes(environ, "UV_NO_INDEX"):
        for index in project:
            words = "index \"{}\" of pyproject.toml".format(index.name)
            places.append((words, [index] + machine + project, index.address, "index"))
        default = "" if url or machine else rctx.read(rctx.path(Label("@uv_pip//:index")), watch = "no").strip()
        if default:
            places.append(("pip's default index", [], default, "index"))
    if _yes(environ, "UV_OFFLINE"):
        places = [place for place in places if place[2].startswith("/") or place[2].startswith("file://")]
    return places

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
    reasons = []
    for words, indexes, address, kind in _places(rctx, url, project_indexes):
        found, reason = address, None
        if kind == "links":
            found, reason = _find_links(rctx, indexes, address, file)
        elif kind == "index":
            found, reason = _find(rctx, indexes, address.rstrip("/") + "/" + distribution + "/", file)
        if found:
            found = split_credentials(found)[0]
            if rctx.download(
                url = found,
                output = file,
                sha256 = sha256,
                allow_fail = True,
                auth = _auth(rctx, indexes, found),
            ).success:
                return None
            reason = "refuses it, breaks off or gives other bytes than the lock pins by sha256, as Bazel's warning above says"
        reasons.append("{} {}".format(words, reason))

    # A download that finds no room fails like one that finds no file. This one fails with Bazel's own words.
    rctx.file("room", " " * _ROOM)
    rctx.delete("room")
    if reasons:
        return "; ".join({reason: None for reason in reasons}.keys()) + _REMEDY
    if _yes(rctx.os.environ, "UV_OFFLINE"):
        return "UV_OFFLINE is set, and neither Bazel's repository cache nor a folder of UV_FIND_LINKS has it"
    return "the lock has no address, and this machine is configured for no index: set UV_DEFAULT_INDEX"

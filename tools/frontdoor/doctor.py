"""`tools/bazel --doctor`: what was found on this machine, and what is wrong."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request

from . import (
    certificates,
    hub,
    indexes,
    namespace,
    probe,
    proxies,
    recipe,
    rootfs,
    setup,
    sources,
    workspace,
)
from .addresses import without_password
from .problem import Problem
from .progress import megabytes

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_PIP_OPTIONS = ("index-url", "extra-index-url", "find-links", "no-index")
_UV_VARIABLES = (*indexes.UV_VARIABLES, "UV_FIND_LINKS", "UV_EXTRA_INDEX_URL")
_TIMEOUT = 6.0  # seconds


def examine(checkout: str) -> int:
    """Prints one line per fact and one per fault; returns 0 if there is no fault, else 1."""
    wrong: list[str] = []
    cache = workspace.cache()
    mode = workspace.kept_mode(checkout)
    facts = [("mode", f"{mode}, kept in user.bazelrc" if mode else "not chosen yet")]
    if mode is None:
        mode, why = probe.choose()
        facts.append(("would be", f"{mode}: {why}"))
    facts.append(("Bazel", (_hub if mode == "hub" else _mirror)(checkout, cache, wrong)))
    facts.append((".bazelversion", setup.wanted_bazel(checkout)))
    if mode == "mirror":
        facts.append(("Debian mirror", _debian(wrong)))
    facts.append(("CA bundle", _bundle(mode, wrong)))
    facts += [("proxy", text) for text in _proxies(mode)]
    facts += [("package index", text) for text in _indexes(checkout)]
    facts.append(("cache", _cache(cache)))
    for name, text in facts:
        print(f"{name + ':':15}{text}")
    for text in wrong:
        print(f"{'wrong:':15}{text}")
    return 1 if wrong else 0


def _hub(checkout: str, _: str, wrong: list[str]) -> str:
    real = os.environ.get("BAZEL_REAL")
    if real:
        return f"{real}, chosen by Bazelisk"
    mode, why = probe.choose()
    if mode != "hub":
        wrong.append(f"hub mode needs the open internet, but {why}: tools/bazel --mode=mirror")
    for name in ("bazelisk", "bazel"):
        found = hub.which(name)
        if found:
            return found
    if os.path.exists(hub.npm_binary()):
        return f"{hub.npm_binary()}, from npm"
    if hub.which("npm") and hub.which("node"):
        return "Bazelisk from npm, by the first command"
    wrong.append("no bazelisk, bazel or npm on PATH: install Bazelisk")
    return "none"


def _mirror(checkout: str, cache: str, wrong: list[str]) -> str:
    try:
        setup.check_machine()
        namespace.check()
        setup.check_writable(cache)
        usable = True
    except Problem as problem:
        wrong.append(problem.message)
        usable = False
    root = rootfs.find(cache)
    if root is None:
        try:
            setup.check_space(cache)
        except Problem as problem:
            wrong.append(problem.message)
        return f"Debian {recipe.SUITE}'s, to be set up by the first command"
    wanted = setup.wanted_bazel(checkout)
    if root.bazel != wanted:
        wrong.append(
            f"Debian {recipe.SUITE} has Bazel {root.bazel} and .bazelversion says {wanted}: set"
            f" {sources.VARIABLE} to a mirror of the day when both were the same"
        )
    try:
        sandbox = ["/usr/share/bazel/linux-sandbox", "--", "/usr/bin/true"]
        if usable and root.run(checkout, sandbox, [cache]):
            wrong.append(
                "Bazel's linux-sandbox can't work here (in a container: /proc is masked), so"
                " actions are less isolated: run on the machine itself or with --privileged"
            )
    except Problem as problem:
        wrong.append(problem.message)
    return f"{root.bazel}, Debian {recipe.SUITE}'s, in {root.folder} (set up in {root.took} s)"


def _debian(wrong: list[str]) -> str:
    try:
        address = sources.debian().base()
    except Problem as problem:
        wrong.append(problem.message)
        return "none"
    origin = sources.VARIABLE if os.environ.get(sources.VARIABLE) else "apt's sources"
    shown = f"{without_password(address)} (from {origin})"
    if ":/" not in address:
        wrong.append(f"{shown} is no address: https://mirror.example/debian would be one")
    if not address.startswith(("http://", "https://")):
        return shown
    try:
        _ask(f"{address}/dists/{recipe.SUITE}/InRelease")
        return f"{shown}, answers"
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError) and error.code == 401:
            return f"{shown}, answers and wants a login, which apt is asked for"
        reason = str(getattr(error, "reason", error)).strip()
        wrong.append(
            f"the Debian mirror {without_password(address)} does not answer for {recipe.SUITE}"
            f" ({reason}): check the network and the proxy, or set {sources.VARIABLE}"
        )
        return shown


def _ask(address: str) -> None:
    """Asks as apt would: with the login in the address, through the proxy that only apt knows."""
    # The whole point is to ask the address that the user configured.
    request = urllib.request.Request(without_password(address))  # noqa: S310
    user, found, _ = address.partition("://")[2].partition("/")[0].rpartition("@")
    if found:
        login = base64.b64encode(urllib.parse.unquote_to_bytes(user)).decode()
        request.add_unredirected_header("Authorization", f"Basic {login}")
    known = urllib.request.getproxies()
    for name, proxy in proxies.from_apt().items():
        known[name.removesuffix("_proxy")] = proxy
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(known))
    with opener.open(request, timeout=_TIMEOUT):
        pass


def _bundle(mode: str, wrong: list[str]) -> str:
    named = os.environ.get("SSL_CERT_FILE")
    if named and not os.path.isfile(named):
        wrong.append(f"SSL_CERT_FILE names {named}, which is not there: unset or correct it")
    path = certificates.host_bundle()
    if path is None:
        return "none on this machine" + (", Debian's is used" if mode == "mirror" else "")
    with open(path, encoding="utf-8", errors="replace") as file:
        return f"{path}, {file.read().count('-----BEGIN CERTIFICATE-----')} certificates"


def _variables(names: tuple[str, ...]) -> list[str]:
    found = []
    for name in names:
        for spelling in dict.fromkeys((name, name.upper())):
            value = os.environ.get(spelling)
            if value:
                found.append(f"{spelling}={_shown(value)}")
    return found


def _proxies(mode: str) -> list[str]:
    found = _variables(_PROXIES)
    if mode == "mirror":
        found += [f"{n}={_shown(value)} (apt's)" for n, value in proxies.from_apt().items()]
    return found or ["none"]


def _indexes(checkout: str) -> list[str]:
    found = [text for name in _UV_VARIABLES for text in _variables((name,))]
    found += [f"{path} configures uv's" for path in indexes.uv_index_files(checkout)]
    for option in _PIP_OPTIONS:
        value = indexes.pip_option(option)
        if value:
            found.append(f"pip's {option}: {_shown(value)}")
    for name, value in indexes.uv_environment(checkout).items():
        origin = "pip's index-url" if value == indexes.pip_option("index-url") else "uv's files"
        found.append(f"{name} is set from {origin}: {_shown(value)}")
    return found or ["uv's default"]


def _shown(value: str) -> str:
    return " ".join(without_password(word) for word in value.split())


def _cache(cache: str) -> str:
    size = 0
    for folder, _, files in os.walk(cache):
        for name in files:
            with contextlib.suppress(FileNotFoundError):  # a set-up is at work there
                size += os.lstat(os.path.join(folder, name)).st_blocks * 512
    others = []
    if os.path.isdir(cache):
        names = sorted(os.listdir(cache))
        others = [n for n in names if n != recipe.key() and rootfs.load(os.path.join(cache, n))]
    text = f"{cache}, {megabytes(size)}"
    if os.path.isdir(cache):
        text += f", {megabytes(shutil.disk_usage(cache).free)} free"
    if others:
        text += f"; of other versions, can be removed: {' '.join(others)}"
    return text

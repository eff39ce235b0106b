"""Docker, by its API: an address is all it takes, so Minikube's daemon is like a local one."""

import contextlib
import http.client
import json
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from . import archive
from .engine import check_platform, refused
from .errors import LoadError
from .layout import Image
from .names import complete

_CHUNK = 1 << 18
_SYSTEM_SOCKET = "/var/run/docker.sock"
_TIMEOUT = 600.0  # seconds; for one answer
_MOST_IMAGES = 20  # looked at for layers in common


class Docker:
    """The engine at one endpoint: `unix:///path` or `tcp://host:port`."""

    def __init__(self, endpoint: str, certificates: Path | None = None, *, name: str = "") -> None:
        """`certificates`: folder with ca.pem, cert.pem and key.pem, for TLS."""
        self.endpoint = endpoint
        self.name = name or f"Docker at {endpoint}"
        self._certificates = certificates

    def load(self, image: Image, names: Sequence[str]) -> int:
        # Docker starts two programs to answer this; meanwhile there is other work.
        asked = _Asked(lambda: self._get("/info"))
        identifier = self._found(image)
        known = 0 if identifier else self._known_layers(image, names)
        information = asked.answer()
        check_platform(self.name, image, information.get("Architecture", ""))
        if identifier:
            for name in names:
                repository, _, tag = name.rpartition(":")
                self._call(
                    "POST", f"/images/{identifier}/tag?repo={quote(repository)}&tag={quote(tag)}"
                )
            return 0
        store = _is_containerd(information)
        try:
            return self._send(image, names, known, is_containerd=store)
        except LoadError:
            # Another's `prune` may have taken away between the two calls what was known.
            if not known:
                raise
            return self._send(image, names, 0, is_containerd=store)

    def _found(self, image: Image) -> str | None:
        """Its id in this engine, if all of it is there."""
        # That is its configuration's digest; with containerd's store its manifest's.
        for identifier in (image.config.digest, image.manifest.digest):
            found = self._inspect(identifier)
            if found and all(part.get("Available", True) for part in found.get("Manifests") or ()):
                return identifier
        return None

    def _inspect(self, reference: str) -> dict[str, Any] | None:
        # `manifests`: with containerd's store, also whether their blobs are there (API 1.48).
        path = f"/images/{quote(reference, safe=':')}/json?manifests=1"
        status, text = self._call("GET", path, missing=True)
        return json.loads(text) if status == http.client.OK else None

    def _known_layers(self, image: Image, names: Sequence[str]) -> int:
        """How many of the image's lowest layers some image of this engine has.

        With containerd's store they may be compressed in another way there; then `_send` fails.
        """
        listed = self._get("/images/json")
        listed.sort(key=lambda entry: not set(entry.get("RepoTags") or ()) & set(names))
        best = 0
        for entry in listed[:_MOST_IMAGES]:
            found = self._inspect(entry["Id"])
            layers = (found or {}).get("RootFS", {}).get("Layers") or []
            common = 0
            for ours, theirs in zip(image.diff_ids, layers, strict=False):
                if ours != theirs:
                    break
                common += 1
            best = max(best, common)
            # The image of the same name came first: no other has more than perhaps the last one.
            if best >= len(image.diff_ids) - 1:
                break
        return best

    def _send(self, image: Image, names: Sequence[str], known: int, *, is_containerd: bool) -> int:
        known_blobs = [layer.digest for layer in image.layers[:known]]
        reader, writer = os.pipe()
        failure: list[OSError] = []

        def write() -> None:
            try:
                with os.fdopen(writer, "wb") as output:
                    if is_containerd:
                        archive.write_oci(image, list(map(complete, names)), known_blobs, output)
                    else:
                        archive.write_docker(image, names, known, output)
            except BrokenPipeError:
                pass  # The engine ended early and says why itself.
            except OSError as error:
                failure.append(error)

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        with os.fdopen(reader, "rb") as stream:
            body = _Counted(stream)
            _, text = self._call("POST", "/images/load?quiet=1", body)
        thread.join()
        if failure:
            raise LoadError(f"{image.layout} can't be read: {failure[0]}")
        for line in text.splitlines():
            message = json.loads(line) if line.startswith("{") else {}
            # containerd's store names the image all the same, and calls it no error.
            unpacking = str(message.get("stream", ""))
            if reason := message.get("error") or (unpacking.startswith("Error ") and unpacking):
                raise refused(self.name, str(reason))
        return body.count

    def _get(self, path: str) -> Any:
        return json.loads(self._call("GET", path)[1])

    def _call(
        self, method: str, path: str, body: "_Counted | None" = None, *, missing: bool = False
    ) -> tuple[int, str]:
        connection = self._connection()
        try:
            headers = {"Content-Type": "application/x-tar"} if body else {}
            connection.request(
                method, path, iter(body) if body else None, headers, encode_chunked=body is not None
            )
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except PermissionError:
            raise LoadError(
                f"{self.name} can't be opened by this user: run as root, or join the group that"
                " its socket belongs to (sudo usermod -aG docker USER, then log in again)"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or error
            raise LoadError(
                f"{self.name} does not answer ({reason}): start it, or say where another is with"
                " DOCKER_HOST"
            ) from None
        finally:
            connection.close()
        if response.status >= http.client.BAD_REQUEST and not (
            missing and response.status == http.client.NOT_FOUND
        ):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                text = json.loads(text)["message"]
            raise refused(self.name, text)
        return response.status, text

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.endpoint)
        if parts.scheme == "unix":
            return _UnixConnection(parts.path)
        if parts.scheme not in ("tcp", "http", "https") or not parts.hostname:
            raise LoadError(
                f"DOCKER_HOST={self.endpoint}: only unix:// and tcp:// addresses can be loaded into"
            )
        if self._certificates is None:
            return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=_TIMEOUT)
        try:
            context = ssl.create_default_context(cafile=self._certificates / "ca.pem")
            context.load_cert_chain(self._certificates / "cert.pem", self._certificates / "key.pem")
        except OSError as error:
            raise LoadError(
                f"the certificates in {self._certificates} can't be used: {error}"
            ) from None
        return http.client.HTTPSConnection(
            parts.hostname, parts.port or 2376, timeout=_TIMEOUT, context=context
        )


def _is_containerd(information: Mapping[str, Any]) -> bool:
    """Whether images are in containerd's store, which is Docker 29's default."""
    status = information.get("DriverStatus") or []
    return any("io.containerd.snapshotter" in str(value) for _, value in status)


def from_environment(environment: Mapping[str, str]) -> Docker | None:
    """The engine that DOCKER_HOST, the chosen docker context or a usual socket leads to."""
    if host := environment.get("DOCKER_HOST"):
        verify = environment.get("DOCKER_TLS_VERIFY")
        folder = environment.get("DOCKER_CERT_PATH") or str(Path.home() / ".docker")
        return Docker(host, Path(folder) if verify else None)
    if host := _context(environment):
        return Docker(host)
    runtime = environment.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    usual = (
        _SYSTEM_SOCKET,
        f"{runtime}/docker.sock",
        str(Path.home() / ".docker/run/docker.sock"),
    )
    return next((Docker(f"unix://{path}") for path in usual if Path(path).exists()), None)


def _context(environment: Mapping[str, str]) -> str | None:
    """Address of the context that `docker context use` chose."""
    folder = Path(environment.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        chosen = environment.get("DOCKER_CONTEXT") or json.loads(
            (folder / "config.json").read_bytes()
        ).get("currentContext")
        for file in sorted(folder.glob("contexts/meta/*/meta.json")) if chosen else []:
            context = json.loads(file.read_bytes())
            if context.get("Name") == chosen:
                host: str = context["Endpoints"]["docker"]["Host"]
                return host
    except (OSError, ValueError, KeyError, AttributeError):
        pass
    return None


class _Asked(threading.Thread):
    """A question that is being answered."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._ask = ask
        self._answer: Any = None
        self._error: LoadError | None = None
        self.start()

    def run(self) -> None:
        try:
            self._answer = self._ask()
        except LoadError as error:
            self._error = error

    def answer(self) -> Any:
        """Waits for the answer. Raises what asking raised."""
        self.join()
        if self._error:
            raise self._error
        return self._answer


class _Counted:
    """A request's body in chunks, which knows how long it was."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._stream.read(_CHUNK):
            self.count += len(chunk)
            yield chunk


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

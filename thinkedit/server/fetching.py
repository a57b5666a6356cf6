"""Pictures that callers name by https: URL, where the operator has turned that on (`server.urls`).

The name is resolved here, all of its addresses have to be public, and the connection goes to an address that
was looked at: a second answer of the resolver is never asked for. That holds again for each redirect. There
are no cookies, proxies or credentials, port 443 only, nothing packed, and a limit on bytes and seconds.

What a message says is the same for a name that does not exist and for one that leads inside, so that nobody
can find out by URL what there is in the operator's network.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote

import anyio
import httpcore
import httpx
from anyio.to_thread import run_sync

from thinkedit.config import UrlConfig
from thinkedit.errors import AccessError, BusyError, ImageError
from thinkedit.images import ImageLimits, Loaded, load
from thinkedit.images.sources import shortened, too_large
from thinkedit.server.addresses import host_name, is_public

__all__ = ["Fetched", "Fetcher", "Resolver", "addresses_of"]

Resolver = Callable[[str], Awaitable[list[str]]]
"""From a name, or an address in its usual form, to all addresses; none where there is no such name."""

_PORT = 443
_LONGEST = 2048
_AT_ONCE = 8
_MOST_ADDRESSES = 4
_CONNECT_SECONDS = 4.0
_REDIRECTS = (301, 302, 303, 307, 308)
_TYPES = ("application/octet-stream", "binary/octet-stream")
_HEADERS = [
    (b"User-Agent", b"thinkedit"),
    (b"Accept", b"image/*"),
    (b"Accept-Encoding", b"identity"),
    (b"Connection", b"close"),
]


@dataclass(frozen=True)
class Fetched:
    """name: the last part of the URL's path, None where it is no name for a file."""

    name: str | None
    data: bytes


async def addresses_of(name: str) -> list[str]:
    """What the system's resolver knows of a name, in its order."""
    try:
        found = await anyio.getaddrinfo(name, _PORT, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Fetcher:
    """Fetches within the limits of `urls`; at most eight at once.

    resolve, wire, tls: where names lead, how a connection to an address and port is made, and who is
    believed; for tests, which have neither names nor addresses that are public.
    """

    def __init__(
        self,
        urls: UrlConfig,
        *,
        resolve: Resolver = addresses_of,
        wire: httpcore.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._urls = urls
        self._network = _PublicOnly(resolve, wire or httpcore.AnyIOBackend())
        self._tls = tls
        self._places = anyio.Semaphore(_AT_ONCE)

    async def load(self, url: str, limits: ImageLimits, *, keep_metadata: bool = False) -> Loaded:
        """The picture at `url`, under the name it has there. Errors as `fetch`; ImageError for no picture."""
        fetched = await self.fetch(url, limits.max_bytes)
        try:
            loaded = await run_sync(lambda: load(fetched.data, limits, keep_metadata=keep_metadata))
        except ImageError as error:
            raise ImageError(f"{_shown(_checked(url))}: {error.__cause__ or error}") from error
        return replace(loaded, name=fetched.name)

    async def fetch(self, url: str, max_bytes: int) -> Fetched:
        """What lies at `url`, not looked into.

        AccessError for a URL that is not fetched, or while URLs are off; ImageError where nothing usable
        came in time; BusyError where others kept all places. Each is one line.
        """
        if not self._urls.enabled:
            raise AccessError(
                f"{shortened(url, 200)}: URLs are not fetched here (the operator can set "
                "server.urls.enabled); download it and give its path, or upload it"
            )
        target = _checked(url)
        shown = _shown(target)
        waiting = True
        try:
            with anyio.fail_after(self._urls.seconds):
                async with self._places:
                    waiting = False
                    return Fetched(_file_name(target), await self._follow(target, shown, max_bytes))
        except TimeoutError as error:
            if waiting:
                raise BusyError("many pictures are being fetched: try again in 10 s", 10) from error
            raise ImageError(f"{shown} did not come within {self._urls.seconds:g} s") from error
        except _NotPublic as error:
            raise ImageError(
                f"{shown} cannot be fetched: there is no public address that it leads to"
            ) from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            raise ImageError(f"{shown} cannot be fetched: no proper answer came over https") from error

    async def _follow(self, target: httpx.URL, shown: str, max_bytes: int) -> bytes:
        if self._tls is None:
            self._tls = await run_sync(lambda: httpx.create_ssl_context(trust_env=False))
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            network_backend=self._network,
            http1=True,
            http2=False,
            retries=0,
            max_keepalive_connections=0,
        ) as pool:
            for _ in range(self._urls.redirects + 1):
                async with pool.stream("GET", _origin(target), headers=_HEADERS) as response:
                    if response.status not in _REDIRECTS:
                        return await _body(response, shown, max_bytes)
                    target = _redirected(target, response, shown)
        raise ImageError(f"{shown} redirects more than {self._urls.redirects} times: give the last address")


class _NotPublic(Exception):
    """A host has no address, or one that is not public."""


class _PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to addresses that it has looked at, and to no name."""

    def __init__(self, resolve: Resolver, wire: httpcore.AsyncNetworkBackend) -> None:
        self._resolve = resolve
        self._wire = wire

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host)
        # One that is not public spoils them all: the owner of the name chooses which is tried first.
        if not addresses or not all(is_public(address) for address in addresses):
            raise _NotPublic(host)
        failure: Exception | None = None
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                return await self._wire.connect_tcp(address, port, _CONNECT_SECONDS)
            except (httpcore.NetworkError, httpcore.TimeoutException) as error:
                failure = error
        assert failure is not None
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise _NotPublic(path)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


def _checked(url: str) -> httpx.URL:
    """The URL taken apart, once and for all that follows. AccessError for one that is not fetched."""
    shown = shortened(url, 200)
    if len(url) > _LONGEST:
        raise AccessError(f"{shown} has {len(url)} characters: a URL may have {_LONGEST}")
    try:
        target = httpx.URL(url)
        host = host_name(target.raw_host.decode("ascii"))
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise AccessError(f"{shown} is no URL that can be fetched") from error
    if target.scheme != "https":
        raise AccessError(f"{shown} is not fetched: only https: URLs are")
    if target.userinfo or "@" in _authority(url):
        # Shown without it: it may be a password.
        raise AccessError("this URL is not fetched: there is a user name in it, before an @")
    if host is None:
        raise AccessError(f"{shown} is not fetched: its host is no name, and no address in its usual form")
    if target.port not in (None, _PORT):
        raise AccessError(f"{shown} is not fetched: only port {_PORT} is asked")
    return target.copy_with(host=host, port=None, fragment=None)


def _authority(url: str) -> str:
    rest = url.partition("://")[2]
    return rest[: min((at for mark in "/?#" if (at := rest.find(mark)) >= 0), default=len(rest))]


def _redirected(target: httpx.URL, response: httpcore.Response, shown: str) -> httpx.URL:
    location = _header(response, b"location")
    try:
        # What the other side wrote is not repeated to the caller, whose agent would read it.
        return _checked(str(target.join(location)))
    except (AccessError, httpx.InvalidURL, ValueError) as error:
        raise ImageError(f"{shown} redirects to what is not fetched") from error


async def _body(response: httpcore.Response, shown: str, max_bytes: int) -> bytes:
    if response.status != 200:
        raise ImageError(f"{shown} cannot be fetched: its server answers {response.status}")
    kind = _header(response, b"content-type").partition(";")[0].strip().lower()
    if not kind.startswith("image/") and kind not in _TYPES:
        raise ImageError(
            f"{shown} is no picture: it is served as {shortened(kind, 40) or 'nothing in particular'}"
        )
    if _header(response, b"content-encoding").strip().lower() not in ("", "identity"):
        raise ImageError(f"{shown} cannot be fetched: it came packed, which was not asked for")
    declared = _header(response, b"content-length")
    if declared.isdecimal() and int(declared[:20]) > max_bytes:
        raise ImageError(too_large(shown, int(declared[:20]), max_bytes))
    data = bytearray()
    async for chunk in response.aiter_stream():
        data += chunk
        if len(data) > max_bytes:
            raise ImageError(too_large(shown, len(data), max_bytes))
    return bytes(data)


def _origin(target: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=b"https", host=target.raw_host, port=None, target=target.raw_path)


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")


def _shown(target: httpx.URL) -> str:
    """Without the query, which may hold a signature."""
    return shortened(f"https://{target.netloc.decode('ascii')}{target.path}", 200)


def _file_name(target: httpx.URL) -> str | None:
    last = unquote(target.path).replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*')[-100:].lstrip(".")
    return name or None

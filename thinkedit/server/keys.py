"""The public keys of an OAuth authorisation server: found, fetched, kept, and fetched again when they rotate.

RFC 7517 (JWKS), RFC 8414 and OpenID Connect Discovery 1.0 (where they are).
"""

from __future__ import annotations

import ipaddress
import json
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import jwt

from thinkedit.errors import BusyError, SettingsError

__all__ = ["Keys", "checked_url"]

log = logging.getLogger("thinkedit.server")

LASTS = 600.0
"""Seconds after which the keys are fetched again although nothing unknown was seen."""

AGAIN = 30.0
"""Seconds between two fetches at least: tokens with invented key ids cannot make us ask more often."""

LONGEST = 86_400.0
"""Seconds for which the last keys are believed where no newer ones can be had."""

_SECONDS = 5.0
_BYTES = 500_000
_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


def checked_url(url: str, what: str) -> str:
    """The URL, which is https, or http on this machine. SettingsError otherwise."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        plain = parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        host, plain = "" if "://" not in url else url, False
    if not host or not (plain or url.startswith("https://")):
        raise SettingsError(f"{what} is {url[:200]!r}: it has to begin with https://")
    return url


class Keys:
    """The keys by which `issuer` signs.

    url: where they are; None for what the issuer's metadata says. clock: seconds that only grow.
    """

    def __init__(
        self, issuer: str, url: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = checked_url(issuer, "server.oauth.issuer")
        self._url = None if url is None else checked_url(url, "server.oauth.jwks_url")
        self._clock = clock
        self._keys: list[dict[str, Any]] = []
        self._fetched = self._asked = float("-inf")
        self._lock = anyio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of this id for this algorithm, None where the issuer has none.

        kid: None is answered where one key alone fits. BusyError where no keys can be had.
        """
        now = self._clock()
        if now - self._fetched > LONGEST:
            self._keys = []
        # Those who know their key do not wait for one that fetches newer ones.
        if not self._keys or (now - self._fetched > LASTS and not self._lock.locked()):
            await self._refresh()
        found = self._fitting(kid, algorithm)
        if found is None:
            await self._refresh()
            found = self._fitting(kid, algorithm)
        return found

    def _fitting(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [key for key in self._keys if _fits(key, kid, algorithm)]
        if len(fitting) != 1:
            return None
        try:
            return jwt.PyJWK(fitting[0], algorithm)
        except jwt.PyJWTError as error:
            log.warning("a key of %s cannot be used: %s", self._issuer, error)
            return None

    async def _refresh(self) -> None:
        async with self._lock:
            if self._clock() - self._asked >= AGAIN:
                self._asked = self._clock()
                # Shielded: whoever asks and hangs up would leave everybody else without new keys for a while.
                with anyio.CancelScope(shield=True):
                    try:
                        self._keys = await self._fetch()
                        self._fetched = self._clock()
                    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, SettingsError) as error:
                        reason = " ".join(str(error).split()) or type(error).__name__
                        log.error("the keys of %s cannot be fetched: %s", self._issuer, reason)
            if not self._keys:
                raise BusyError(f"the keys of {self._issuer} cannot be had: try again in {AGAIN:g} s", AGAIN)

    async def _fetch(self) -> list[dict[str, Any]]:
        with anyio.fail_after(_SECONDS):
            async with httpx.AsyncClient(timeout=_SECONDS) as web:
                url = self._url or await self._found(web)
                keys = (await _json(web, url)).get("keys")
        usable = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
        if not usable:
            raise ValueError(f"{url} has no keys")
        return usable

    async def _found(self, web: httpx.AsyncClient) -> str:
        """What the issuer's metadata says, which has to name this very issuer (RFC 8414, section 3.3)."""
        parts = urlsplit(self._issuer)
        origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        places = (
            f"{origin}/.well-known/oauth-authorization-server{path}",
            f"{origin}{path}/.well-known/openid-configuration",
        )
        problem: Exception = ValueError("it has no metadata")
        for place in places:
            try:
                document = await _json(web, place)
            except (httpx.HTTPStatusError, ValueError) as error:
                problem = error
                continue
            if document.get("issuer") != self._issuer:
                raise ValueError(f"{place} is the metadata of {str(document.get('issuer'))[:200]!r}")
            return checked_url(str(document.get("jwks_uri")), f"jwks_uri in {place}")
        raise ValueError(str(problem)) from problem


async def _json(web: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """A JSON object, at most so large. Redirects are not followed."""
    data = bytearray()
    async with web.stream("GET", url, headers={"Accept": "application/json"}) as answer:
        if not answer.is_success:
            raise httpx.HTTPStatusError(
                f"{url} answers {answer.status_code}", request=answer.request, response=answer
            )
        async for chunk in answer.aiter_bytes():
            data += chunk
            if len(data) > _BYTES:
                raise ValueError(f"{url} has more than {_BYTES:,} bytes")
    document = json.loads(data)
    if not isinstance(document, dict):
        raise ValueError(f"{url} is no JSON object")
    return document


def _fits(key: dict[str, Any], kid: str | None, algorithm: str) -> bool:
    """Whether a public key may check signatures of this algorithm. A secret (`oct`) never fits."""
    return (
        (kid is None or key.get("kid") == kid)
        and key.get("kty") == _KINDS.get(algorithm[:2])
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and "d" not in key
    )

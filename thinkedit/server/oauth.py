"""Tokens of an OAuth 2.1 authorisation server: signed JWTs, checked here by its public keys.

RFC 9068 says what stands in them, RFC 8725 how such a check goes wrong: so the algorithm has to be one of the
operator's, never `none` and never one with a shared secret, and nothing in a token says where its key is.
"""

from __future__ import annotations

import logging
from typing import Any

import jwt

from thinkedit.config import OAuth
from thinkedit.errors import SettingsError
from thinkedit.server.callers import CallerToken
from thinkedit.server.keys import Keys

__all__ = ["OAuthTokens"]

log = logging.getLogger("thinkedit.server")

_ALLOWED = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
"""What can be allowed: all have a private and a public key. RFC 7518, RFC 8037."""
_LONGEST_NAME = 255


class OAuthTokens:
    """Says whose a token is. SettingsError for settings that would let anybody in."""

    def __init__(self, settings: OAuth, keys: Keys | None = None) -> None:
        for algorithm in settings.algorithms or [""]:
            if algorithm not in _ALLOWED:
                known = ", ".join(sorted(_ALLOWED))
                raise SettingsError(f"server.oauth.algorithms has {algorithm[:40]!r}: there can be {known}")
        for name in ("issuer", "audience", "owner"):
            if not getattr(settings, name):
                raise SettingsError(f"server.oauth.{name} is empty")
        self._settings = settings
        self._keys = keys or Keys(settings.issuer, settings.jwks_url)

    async def verified(self, token: str) -> CallerToken | None:
        """The caller, or None for a token that is not good, whose fault is logged without it.

        BusyError where the issuer's keys cannot be had.
        """
        try:
            return await self._checked(token)
        except jwt.PyJWTError as error:
            log.info("refused a token of OAuth: %s", error)
            return None

    async def _checked(self, token: str) -> CallerToken:
        settings = self._settings
        header = jwt.get_unverified_header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in settings.algorithms:
            raise jwt.InvalidAlgorithmError(f"its algorithm is {str(algorithm)[:40]!r}")
        key = await self._keys.find(kid, algorithm)
        if key is None:
            raise jwt.InvalidKeyError(f"no key {str(kid)[:80]!r} for {algorithm} is known")
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=settings.audience,
            issuer=settings.issuer,
            leeway=settings.leeway_seconds,
            options={"require": ["exp", "iss", "aud", settings.owner], "enforce_minimum_key_length": True},
        )
        subject = claims[settings.owner]
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_NAME:
            raise jwt.InvalidTokenError(f"its claim {settings.owner!r} names nobody")
        return CallerToken(
            token="",  # nothing here needs it any more
            client_id=str(claims.get("client_id") or claims.get("azp") or ""),
            scopes=_scopes(claims),
            expires_at=int(claims["exp"] + settings.leeway_seconds) + 1,
            subject=subject,
            claims={"iss": settings.issuer},
            # A space is in no issuer, and in no name of a caller with a token of the file.
            owner=f"{settings.issuer} {subject}",
        )


def _scopes(claims: dict[str, Any]) -> list[str]:
    """`scope`, words in one string (RFC 9068), or `scp`, the same or a list, as some servers have it."""
    said = claims.get("scope", claims.get("scp", ""))
    if isinstance(said, str):
        return said.split()
    return [scope for scope in said if isinstance(scope, str)] if isinstance(said, list) else []

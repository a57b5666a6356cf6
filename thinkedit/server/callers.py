"""Who calls: what a request's token says, and how that reaches whatever works for the caller.

A caller owns the sessions and pictures that were made for them. Where nobody is asked who they are (stdio,
HTTP without tokens) the owner is "", as on the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.context import ServerMiddleware
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST

from thinkedit.config import Config
from thinkedit.errors import SettingsError
from thinkedit.server.allowance import Allowance
from thinkedit.server.tokens import TokenFile

__all__ = ["CallerToken", "Callers", "acting_as", "as_caller", "asks_who", "caller", "public_origin"]

_LONGEST = 16_000
"""Characters of a token: the largest that servers issue have some thousands."""

_caller: ContextVar[str] = ContextVar("thinkedit_caller", default="")


class CallerToken(AccessToken):
    """A token that was found to be good. owner: whose sessions and pictures it opens; never empty."""

    owner: str


def caller() -> str:
    """The owner for whom the present request is answered."""
    return _caller.get()


@contextmanager
def acting_as(owner: str) -> Iterator[None]:
    """What is done inside is done for `owner`."""
    before = _caller.set(owner)
    try:
        yield
    finally:
        _caller.reset(before)


def owner_of(scope: Mapping[str, Any] | None) -> str | None:
    """The owner that an HTTP request was found to be of; None where it had no good token."""
    user = scope.get("user") if scope is not None else None
    token = user.access_token if isinstance(user, AuthenticatedUser) else None
    return token.owner if isinstance(token, CallerToken) and token.owner else None


def asks_who(config: Config) -> bool:
    """Whether callers have to say who they are."""
    return config.server.tokens is not None or config.server.oauth is not None


def public_origin(config: Config) -> str | None:
    """`https://host` or `https://host:port` of server.public_url, in small letters. SettingsError."""
    url = config.server.public_url
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.path.rstrip("/") or parts.query or parts.fragment:
        raise SettingsError(
            f"server.public_url is {url[:200]!r}: write scheme, host and port alone, as in https://edit.example.org"
        )
    return f"{parts.scheme}://{parts.netloc}".lower()


class Callers:
    """Those whom a server knows: the SDK's TokenVerifier, and the settings for its authentication.

    url: where clients find this server, http(s)://HOST:PORT; it names the resource that tokens are for.
    SettingsError for a file of tokens or OAuth settings that cannot be used.
    """

    def __init__(self, config: Config, url: str) -> None:
        server = config.server
        self.allowance = Allowance(server.callers)
        self.scopes = [] if server.oauth is None else list(server.oauth.scopes)
        self._file = None if server.tokens is None else TokenFile(server.tokens)
        self._oauth = None
        if server.oauth is not None:
            from thinkedit.server.oauth import OAuthTokens

            self._oauth = OAuthTokens(server.oauth)
        resource = f"{public_origin(config) or url}/mcp"
        self.settings = AuthSettings.model_validate(  # of text: a URL made apart would get a slash at its end
            {
                # Without OAuth nobody issues tokens: the SDK wants an address, and tells it to nobody.
                "issuer_url": url if server.oauth is None else server.oauth.issuer,
                "resource_server_url": None if server.oauth is None else resource,
                "required_scopes": self.scopes,
                "validate_token_resource": False,  # the audience is checked with the token's signature
            }
        )
        origin = resource.removesuffix("/mcp")
        self.metadata_url = (
            f"{origin}/.well-known/oauth-protected-resource/mcp" if server.oauth is not None else None
        )

    async def verify_token(self, token: str) -> CallerToken | None:
        """The caller whose token this is, None where it is nobody's. BusyError: it cannot be said now."""
        if not 0 < len(token) <= _LONGEST:
            return None
        name = self._file.caller(token) if self._file is not None else None
        if name is not None:
            return CallerToken(token="", client_id=name, scopes=self.scopes, subject=name, owner=name)
        if self._oauth is not None and token.count(".") == 2:
            return await self._oauth.verified(token)
        return None


def as_caller(callers: Callers | None) -> ServerMiddleware[Any]:
    """Answers each MCP request for whoever sent it, and none whose sender is not known where that matters.

    From the request and not from the connection: one of an older protocol serves many requests.
    """

    async def middleware(ctx: Any, call_next: Any) -> Any:
        owner = ""
        if callers is not None:
            scope = getattr(ctx.request, "scope", None)
            known = owner_of(scope)
            if known is None:
                raise MCPError(INVALID_REQUEST, "this request says nothing of who sent it")
            owner = known
        with acting_as(owner):
            return await call_next(ctx)

    return middleware

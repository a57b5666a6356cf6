"""MCP over stdio and streamable HTTP. Needs the extra `mcp`, which is loaded when a server is run."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable

from thinkedit.config import Config
from thinkedit.errors import MissingExtra

__all__ = ["run_bridge", "run_http", "run_stdio"]

_EXTRA = {
    *("cryptography", "jwt", "mcp", "mcp_types", "multipart", "opentelemetry", "python_multipart"),
    *("starlette", "uvicorn"),
}


def run_stdio(config: Config) -> None:
    """Serve MCP on standard input and output until the host ends it.

    Nothing else may write to standard output; the log goes to standard error. MissingExtra without `mcp`.
    """
    _prepare(config)
    import anyio

    from thinkedit.server.serving import serve_stdio

    anyio.run(serve_stdio, config)


def run_bridge(config: Config, server: str, token: str | None = None) -> None:
    """Serve MCP on standard input and output by passing everything on to the server at an address.

    token: by which that server knows this user.
    SettingsError for what is no address, MissingExtra without `mcp`.
    """
    from thinkedit.server.remote import server_url

    base = server_url(server)
    _prepare(config)
    import anyio

    from thinkedit.server.serving import serve_bridge

    anyio.run(serve_bridge, config, base, token)


def run_http(
    config: Config,
    host: str = "127.0.0.1",
    port: int = 8321,
    on_ready: Callable[[str], None] | None = None,
    *,
    resume: bool = False,
) -> None:
    """Serve MCP at http://HOST:PORT/mcp, and pictures at /images, until interrupted.

    host: a loopback address, or any other where callers have to say who they are; port: 0 for any free one.
    on_ready: told the address once it listens.
    resume: take up the runs that a server which is gone has left.
    SettingsError for other hosts and ports in use, MissingExtra without `mcp`.
    """
    _prepare(config)
    import anyio

    from thinkedit.server.serving import serve_http

    anyio.run(functools.partial(serve_http, config, host, port, on_ready, resume=resume))


def _prepare(config: Config) -> None:
    """Log to standard error, and say how to install what is missing."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("thinkedit.models").setLevel(logging.INFO)  # what was decided for a model, and why
    logging.getLogger("thinkedit.retention").setLevel(logging.INFO)  # what was deleted
    try:
        import thinkedit.server.serving  # noqa: F401
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _EXTRA:
            raise MissingExtra("thinkedit serve", "mcp") from error
        raise
    if config.server.log_format == "json":
        from thinkedit.server.watching.setting_up import log_as_json_for

        log_as_json_for(config)

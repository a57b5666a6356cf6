"""Running the server on its transports until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.stdio import stdio_server
from mcp_types import ListToolsResult
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from thinkedit.config import Config
from thinkedit.errors import SettingsError
from thinkedit.images import ImageLimits
from thinkedit.server.access import local_policy
from thinkedit.server.allowance import Allowance
from thinkedit.server.app import create_server
from thinkedit.server.bodies import Bodies
from thinkedit.server.bridge import Bridge
from thinkedit.server.callers import Callers, asks_who, public_origin
from thinkedit.server.courier import Courier
from thinkedit.server.delivery import output_folder
from thinkedit.server.events import Connections, RecentEvents
from thinkedit.server.gate import WELL_KNOWN, Asked, Known
from thinkedit.server.lifetime import RunnerSource, SharedRunner
from thinkedit.server.loopback import RightHost, bind, is_loopback, security_settings
from thinkedit.server.pages import add_page_routes
from thinkedit.server.resuming import take_up
from thinkedit.server.retention import keep_within
from thinkedit.server.routes import add_image_routes
from thinkedit.server.slow import timed_protocol
from thinkedit.server.watching import Watching

__all__ = ["http_app", "serve_bridge", "serve_http", "serve_stdio"]

log = logging.getLogger("thinkedit.server")

_LAST_BYTES = 0.2
"""Seconds for the answers of parked calls to get from the SDK's queues onto the wire."""

_RECONNECT = 500
"""Milliseconds after which a client whose stream broke is to ask for the rest."""

_GRACE = 1
"""Seconds that connections get to end after the runs are parked."""


async def serve_stdio(config: Config) -> None:
    """Serve the host that started this process, until it closes standard input or signals."""
    watching = Watching.here()
    shared = SharedRunner(config, watching.watcher)
    async with watching, shared as source, anyio.create_task_group() as tasks:

        def leave() -> None:
            watching.end()
            # A thread waits in a read of standard input, which nothing but input ends: the interpreter
            # would wait for it. Everything that matters is closed by now.
            sys.stderr.flush()
            os._exit(0)

        tasks.start_soon(_on_signal, source, leave)
        await create_server(source, config, watching=watching).run_stdio_async()
        tasks.cancel_scope.cancel()


async def serve_bridge(config: Config, base: str, token: str | None = None) -> None:
    """Serve the host that started this process with what the server at `base` has.

    base: http://HOST:PORT. A server that is not there yet, or goes away, is no error until it is called.
    """
    folder = output_folder(config)
    access = local_policy(config.server.allow, folder)
    limits = ImageLimits(max_bytes=config.limits.image_bytes, max_pixels=config.limits.image_pixels)
    async with SharedRunner(config) as unused:  # lists our own tools, and opens nothing
        own = await create_server(unused, config).list_tools()
    courier = Courier(base, access, limits, folder, token)
    bridge = Bridge(base, courier, ListToolsResult(tools=own), token)
    server = await bridge.server()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_leave_on_signal)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def serve_http(
    config: Config,
    host: str,
    port: int,
    on_ready: Callable[[str], None] | None = None,
    *,
    resume: bool = False,
) -> None:
    """Serve until a signal, beyond this machine only where callers say who they are. SettingsError.

    on_ready: told the address of the MCP endpoint once it listens. resume: take up the runs that no living
        process has.
    """
    with bind(host, port, asks_who=asks_who(config)) as listening:
        address, port = listening.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        url = f"http://{shown}:{port}/mcp"
        callers = Callers(config, url.removesuffix("/mcp")) if asks_who(config) else None
        if public_origin(config) is None and not is_loopback(address):
            log.warning(
                "set server.public_url to the address by which clients know this server: until then it "
                "answers to IP addresses only, and the links that it gives out are plain http"
            )
        watching = Watching.here()
        shared = SharedRunner(config, watching.watcher)
        async with watching, shared as source, anyio.create_task_group() as tasks:
            server = _Uvicorn(
                uvicorn.Config(
                    http_app(
                        create_server(source, config, transport="http", callers=callers, watching=watching),
                        source,
                        config,
                        address,
                        callers,
                        watching=watching,
                    ),
                    http=timed_protocol(),
                    log_config=None,
                    access_log=False,
                    timeout_graceful_shutdown=_GRACE,
                    server_header=False,
                    proxy_headers=False,
                )
            )

            def leave() -> None:
                # Clients of the older protocol hold a stream open all the time; to cut it is no error.
                logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
                server.should_exit = True

            tasks.start_soon(_on_signal, source, leave)
            tasks.start_soon(keep_within, source, config.server.retention)
            if resume:
                tasks.start_soon(take_up, source, config.database is not None)
            if on_ready is not None:
                on_ready(url)
            else:
                log.info("serving MCP at %s", url)
            await _serve(server, listening)
            tasks.cancel_scope.cancel()


def http_app(
    server: MCPServer[None],
    source: RunnerSource,
    config: Config,
    address: str = "127.0.0.1",
    callers: Callers | None = None,
    *,
    watching: Watching | None = None,
) -> Starlette:
    """The whole HTTP application: `server` at /mcp, pictures at /images, pages at /sessions.

    callers: those whom `server` knows; SettingsError where the configuration has some and none are given.
    """
    if callers is None and asks_who(config):
        raise SettingsError("this configuration asks callers who they are: give http_app its Callers")
    security = security_settings(address, public_origin(config))
    # Stateful and streaming: otherwise older clients could neither cancel nor see progress.
    app = server.streamable_http_app(
        stateless_http=False,
        json_response=False,
        max_request_body_size=config.server.body_bytes,
        transport_security=security,
        event_store=RecentEvents(),
        retry_interval=_RECONNECT,
    )
    allowance = Allowance(config.server.callers) if callers is None else callers.allowance
    add_image_routes(app, source, config.server.body_bytes, allowance)
    add_page_routes(app, source)
    app.add_middleware(Bodies, path="/mcp", max_bytes=config.server.body_bytes)
    # From the outside in: the host, how a token was sent, the SDK's own check of it, whose it is.
    if callers is not None:
        app.add_middleware(Asked)
        app.user_middleware.append(Middleware(Known, callers=callers))
        _describe_at_the_root(app)
    app.user_middleware.append(Middleware(Connections))
    app.add_middleware(RightHost, settings=security, address=address)
    if watching is not None:
        watching.add_to(app, source)
    return app


def _describe_at_the_root(app: Starlette) -> None:
    """The metadata of RFC 9728 without the path too, where clients look that know no better."""
    for route in list(app.router.routes):
        if isinstance(route, Route) and route.path == f"{WELL_KNOWN}/mcp":
            app.router.routes.append(Route(WELL_KNOWN, route.endpoint, methods=["GET", "OPTIONS"]))


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    """Serve until it should exit, or until this is cancelled: then too connections end in order."""
    ended = anyio.Event()

    async def serve() -> None:
        with anyio.CancelScope(shield=True):
            await server.serve(sockets=[listening])
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        try:
            await ended.wait()
        finally:
            server.should_exit = True


async def _leave_on_signal() -> None:
    """Leave at once: whatever runs, runs elsewhere, and ends with the connections of this process."""
    if sys.platform == "win32":
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            os._exit(0)


async def _on_signal(source: SharedRunner, leave: Callable[[], None]) -> None:
    """Park what runs, so that it can be gone on with, and leave.

    Windows has no signals to wait for: there Ctrl-C cancels the server, whose runner parks as it closes.
    """
    if sys.platform == "win32":
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            log.warning("stopping: sessions that run can be gone on with")
            await source.close()
            await anyio.sleep(_LAST_BYTES)
            leave()
            return


class _Uvicorn(uvicorn.Server):
    """Leaves signals alone: uvicorn's own handling would end the process before its runs are parked."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

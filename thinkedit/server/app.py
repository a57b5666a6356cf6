"""The MCP server: five tools and three resources over one runner."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from anyio.to_thread import run_sync
from mcp.server import MCPServer
from mcp.server.apps import Apps
from mcp.server.context import ServerMiddleware
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import InputRequiredResult, ToolAnnotations

import thinkedit
from thinkedit.config import Config
from thinkedit.errors import NotFoundError, ThinkEditError
from thinkedit.images import Picture
from thinkedit.page import app_page
from thinkedit.server.access import local_policy, remote_policy
from thinkedit.server.allowance import Allowance
from thinkedit.server.callers import Callers, as_caller, caller, public_origin
from thinkedit.server.calls import Calls
from thinkedit.server.delivery import Delivery, output_folder
from thinkedit.server.fetching import Fetcher
from thinkedit.server.lifetime import RunnerSource
from thinkedit.server.strict import strict_tool
from thinkedit.server.watching import Watching
from thinkedit.tools import descriptions
from thinkedit.tools.think import owned_session

__all__ = ["create_server"]

Transport = Literal["stdio", "http"]

_READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_MAKES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)


_PAGE = "ui://thinkedit/session.html"
_SHOWN = {"ui": {"resourceUri": _PAGE, "visibility": ["model", "app"]}}


class _Server(MCPServer[None]):
    """Pictures are served under their own type: an editor may have answered with a JPEG or a WebP."""

    async def read_resource(
        self, uri: Any, context: Context[None, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        read = await super().read_resource(uri, context)
        if isinstance(read, InputRequiredResult):
            return read
        return [
            replace(part, mime_type=Picture.from_bytes(part.content).mime_type)
            if isinstance(part.content, bytes)
            else part
            for part in read
        ]


def create_server(
    source: RunnerSource,
    config: Config,
    *,
    transport: Transport = "stdio",
    callers: Callers | None = None,
    watching: Watching | None = None,
) -> MCPServer[None]:
    """A server whose calls use the runner that `source` lends them.

    transport: `stdio` for a host on the user's own machine, which may name files and gets results as files;
        `http` for a client that may be elsewhere.
    callers: those whom it knows; each gets at what is their own, and whoever is none of them gets nothing.
        None: it asks nobody who they are.
    """
    local = transport == "stdio"
    folder = output_folder(config) if local else None
    settings = config.server
    access = local_policy(settings.allow, folder) if local else remote_policy(settings.allow)
    public_url = None if local else public_origin(config)
    allowance = Allowance(settings.callers) if callers is None else callers.allowance
    calls = Calls(source, access, Delivery(folder), Fetcher(settings.urls), allowance, public_url)
    named = sorted(config.models)
    server = _Server(
        "thinkedit",
        title="thinkedit",
        description="Edit photographs by instructions in words, with the result checked and tried again",
        instructions=descriptions.instructions(named, local=local, urls=settings.urls.enabled),
        version=thinkedit.__version__,
        tools=_tools(calls),
        extensions=[_apps()],
        log_level="WARNING",
        middleware=[
            as_caller(callers),
            *([watching.calls()] if watching is not None else []),
            _warming(source),
        ],
        token_verifier=callers,
        auth=None if callers is None else callers.settings,
    )
    _add_resources(server, source, local=local)
    return server


def _tools(calls: Calls) -> list[Any]:
    return [
        strict_tool(
            calls.think_edit,
            name="think_edit",
            title="Edit a photograph, checking the result",
            description=descriptions.THINK_EDIT,
            annotations=_MAKES,
            meta=_SHOWN,
        ),
        strict_tool(
            calls.continue_edit,
            name="continue_edit",
            title="Go on with an edit",
            description=descriptions.CONTINUE_EDIT,
            annotations=_MAKES,
            meta=_SHOWN,
        ),
        strict_tool(
            calls.edit_image,
            name="edit_image",
            title="Edit a photograph once",
            description=descriptions.EDIT_IMAGE,
            annotations=_MAKES,
        ),
        strict_tool(
            calls.critique_image,
            name="critique_image",
            title="Score an edit",
            description=descriptions.CRITIQUE_IMAGE,
            annotations=_READS,
        ),
        strict_tool(
            calls.refine_instruction,
            name="refine_instruction",
            title="Find a better prompt",
            description=descriptions.REFINE_INSTRUCTION,
            annotations=_READS,
        ),
    ]


def _apps() -> Apps:
    """The page for hosts that show MCP Apps: the host hands it the result of the call."""
    apps = Apps()
    apps.add_html_resource(_PAGE, app_page(), name="session-view", title="The turns of a session")
    return apps


def _add_resources(server: MCPServer[None], source: RunnerSource, *, local: bool) -> None:
    @server.resource(
        "thinkedit://images/{sha256}",
        name="image",
        title="A picture",
        description="A source or result picture, whole, by the SHA-256 in its URI",
        mime_type="image/png",
    )
    async def image(sha256: str) -> bytes:
        async with source.use() as runner:
            try:
                if await runner.ledger.may_use(caller(), sha256):
                    return (await run_sync(runner.store.get, sha256)).data
            except NotFoundError as error:
                raise ResourceNotFoundError(str(error)) from error
            except ThinkEditError as error:
                raise ResourceError(str(error)) from error
        raise ResourceNotFoundError(f"there is no image thinkedit://images/{sha256[:80]}")

    @server.resource(
        "thinkedit://sessions/{session_id}",
        name="session",
        title="A session",
        description="What a session came to so far: the structured result of think_edit",
        mime_type="application/json",
    )
    async def session(session_id: str) -> str:
        async with source.use() as runner:
            try:
                await owned_session(runner, session_id, caller())
                result = await runner.result(session_id)
            except NotFoundError as error:
                raise ResourceNotFoundError(str(error)) from error
            except ThinkEditError as error:
                raise ResourceError(str(error)) from error
        if result.image is not None and not local:
            result.image.path = None
        return result.model_dump_json(by_alias=True)

    @server.resource(
        "thinkedit://sessions",
        name="sessions",
        title="Recent sessions",
        description="The twenty newest sessions: session_id, instruction, status, stop_reason",
        mime_type="application/json",
    )
    async def sessions() -> str:
        async with source.use() as runner:
            try:
                newest = await runner.ledger.sessions(caller(), 20)
            except ThinkEditError as error:
                raise ResourceError(str(error)) from error
        return json.dumps(
            [
                {
                    "session_id": one.session_id,
                    "instruction": one.instruction,
                    "status": one.status.value,
                    "stop_reason": one.stop_reason and one.stop_reason.value,
                }
                for one in newest
            ]
        )


def _warming(source: RunnerSource) -> ServerMiddleware[Any]:
    """Load what the first call will need once the host has its list of tools, and not before."""

    async def middleware(ctx: Any, call_next: Any) -> Any:
        result = await call_next(ctx)
        if ctx.method == "tools/list":
            source.warm()
        return result

    return middleware

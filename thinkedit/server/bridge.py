"""A stdio server that passes everything on to one that runs elsewhere, so that hosts share its models.

Each request opens a connection of its own, so a server that was restarted is simply reached again. Files are
read and written on this side, by the rules of a stdio server: see `courier`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import mcp_types as types
from mcp.client import Client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types.version import is_version_at_least

import thinkedit
from thinkedit.errors import SettingsError, ThinkEditError
from thinkedit.server.courier import Courier
from thinkedit.server.upstream import upstream
from thinkedit.tools import descriptions

__all__ = ["Bridge"]

log = logging.getLogger(__name__)

Request = ServerRequestContext[Any, Any]


class Bridge:
    """Between one host on stdio and the server at `base`.

    own: the tools as this installation has them, for a host that asks while the server is not there.
    token: by which the server knows the user of this host.
    """

    def __init__(
        self, base: str, courier: Courier, own: types.ListToolsResult, token: str | None = None
    ) -> None:
        self.base = base
        self._token = token
        self._courier = courier
        self._own = own

    async def server(self) -> Server[Any]:
        """The server to be run on stdio."""
        return Server(
            "thinkedit",
            title="thinkedit",
            version=thinkedit.__version__,
            instructions=await self._instructions(),
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )

    async def _instructions(self) -> str:
        try:
            async with upstream(self.base, token=self._token) as client:
                said = client.instructions or ""
        except SettingsError as error:
            log.warning("%s", error)
            return descriptions.instructions([], local=True)
        return said.replace(descriptions.REMOTE_PICTURES, descriptions.LOCAL_PICTURES)

    async def _list_tools(
        self, request: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        try:
            async with upstream(self.base, token=self._token) as client:
                return await client.list_tools()
        except SettingsError as error:
            log.warning("%s", error)
            return self._own

    async def _call_tool(
        self, request: Request, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        try:
            arguments = await self._courier.up(params.arguments or {})
            ask = partial(_ask, request) if _can_ask(request) else None
            async with upstream(self.base, ask, token=self._token) as client:
                tell = request.session.report_progress
                if not _in_rounds(request):
                    result = await client.call_tool(params.name, arguments, progress_callback=tell)
                else:
                    answer = await client.session.call_tool(
                        params.name,
                        arguments,
                        progress_callback=tell,
                        input_responses=params.input_responses,
                        request_state=params.request_state,
                        allow_input_required=True,
                    )
                    if isinstance(answer, types.InputRequiredResult):
                        return answer
                    result = answer
            return await self._courier.down(result)
        except ThinkEditError as error:
            text = types.TextContent(type="text", text=" ".join(str(error).split()))
            return types.CallToolResult(content=[text], is_error=True)

    async def _list_resources(
        self, request: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        async with self._served() as client:
            return await client.list_resources()

    async def _list_templates(
        self, request: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        async with self._served() as client:
            return await client.list_resource_templates()

    async def _read_resource(
        self, request: Request, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        async with self._served() as client:
            return await client.read_resource(str(params.uri), cache_mode="bypass")

    @asynccontextmanager
    async def _served(self) -> AsyncIterator[Client]:
        """The server, for requests whose errors are the protocol's."""
        try:
            async with upstream(self.base, token=self._token) as client:
                yield client
        except SettingsError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from error


def _in_rounds(request: Request) -> bool:
    """Whether the host is asked by returning the question."""
    return is_version_at_least(request.protocol_version, "2026-07-28")


def _can_ask(request: Request) -> bool:
    client = request.session.client_capabilities
    return client is not None and client.elicitation is not None


async def _ask(request: Request, context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    """Hand a question of the server to the host."""
    assert isinstance(params, types.ElicitRequestFormParams)
    return await request.session.elicit_form(params.message, params.requested_schema, request.request_id)

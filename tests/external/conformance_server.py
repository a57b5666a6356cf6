# ruff: noqa: A002, N815 -- the suite has these names
"""The real server with the tools, resources and prompts that the conformance suite asks for by name.

What they answer is written down in the suite's scenarios. Everything else is as `thinkedit serve --http` has
it: factory, transport, middleware, security. Run as a program it prints its URL and serves until it is ended.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
import wave
from pathlib import Path
from typing import Annotated, Any

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    Completion,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from PIL import Image
from pydantic import BaseModel, Field

from thinkedit.config import Config
from thinkedit.server.app import create_server
from thinkedit.server.lifetime import SharedRunner
from thinkedit.server.loopback import bind
from thinkedit.server.serving import http_app

Ctx = Context[Any, Any]


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1, 1), (200, 60, 20)).save(file, "PNG")
    return file.getvalue()


def _wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\0\0")
    return file.getvalue()


PNG = base64.b64encode(_png()).decode()
WAV = base64.b64encode(_wav()).decode()
PICTURE = ImageContent(type="image", data=PNG, mime_type="image/png")


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _embedded(uri: str, text: str, mime: str = "text/plain") -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime, text=text)
    return EmbeddedResource(type="resource", resource=contents)


def _form(message: str, field: str, kind: str = "string") -> ElicitRequest:
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(prompt: str) -> CreateMessageRequest:
    messages = [SamplingMessage(role="user", content=_text(prompt))]
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=messages, max_tokens=50))


def _content(ctx: Ctx, name: str) -> dict[str, Any] | None:
    """What a form of an earlier round was filled in with; None where there is no such answer."""
    answer = (ctx.input_responses or {}).get(name)
    return None if answer is None else dict(getattr(answer, "content", None) or {})


def add_contents(server: MCPServer[None]) -> None:
    """Tools that answer with one kind of content each."""

    @server.tool(description="A text")
    async def test_simple_text() -> str:
        return "This is a simple text response for testing."

    @server.tool(description="An image")
    async def test_image_content() -> list[ImageContent]:
        return [PICTURE]

    @server.tool(description="A sound")
    async def test_audio_content() -> list[AudioContent]:
        return [AudioContent(type="audio", data=WAV, mime_type="audio/wav")]

    @server.tool(description="An embedded resource")
    async def test_embedded_resource() -> list[EmbeddedResource]:
        return [_embedded("test://embedded-resource", "This is an embedded resource content.")]

    @server.tool(description="A text, an image and a resource")
    async def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
        data = _embedded(
            "test://mixed-content-resource", '{"test": "data", "value": 123}', "application/json"
        )
        return [_text("Multiple content types test:"), PICTURE, data]

    @server.tool(description="An error")
    async def test_error_handling() -> str:
        raise RuntimeError("This tool intentionally returns an error for testing")

    @server.tool(description="Progress in three steps")
    async def test_tool_with_progress(ctx: Ctx) -> str:
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100, f"Completed step {done} of 100")
            await anyio.sleep(0.02)
        return "done"

    @server.tool(description="Three lines of log")
    async def test_tool_with_logging(ctx: Ctx) -> str:
        for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(line)  # type: ignore[deprecated]
            await anyio.sleep(0.02)
        return "logged"

    @server.tool(description="An argument that is mirrored in a header")
    async def test_x_mcp_header(
        region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "none",
    ) -> str:
        return f"region={region}"

    @server.tool(name="json_schema_2020_12_tool", description="An input schema with many keywords")
    async def schema_tool() -> str:
        return "json_schema_2020_12_tool"

    server._tool_manager._tools["json_schema_2020_12_tool"].parameters = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    }


class Response(BaseModel):
    response: str


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Annotated[str, Field(json_schema_extra={"enum": ["active", "inactive", "pending"]})] = "active"
    verified: bool = True


def _one_of(*pairs: tuple[str, str], key: str = "oneOf") -> dict[str, Any]:
    return {key: [{"const": const, "title": title} for const, title in pairs]}


class Enums(BaseModel):
    untitledSingle: Annotated[str, Field(json_schema_extra={"enum": ["active", "inactive", "pending"]})]
    titledSingle: Annotated[
        str, Field(json_schema_extra=_one_of(("low", "Low Priority"), ("high", "High Priority")))
    ]
    untitledMulti: Annotated[
        list[str], Field(json_schema_extra={"items": {"type": "string", "enum": ["read", "write"]}})
    ]
    titledMulti: Annotated[
        list[str],
        Field(json_schema_extra={"items": _one_of(("feature", "New"), ("bug", "Bug Fix"), key="anyOf")}),
    ]
    legacyEnum: Annotated[
        str, Field(json_schema_extra={"enum": ["small", "large"], "enumNames": ["Small Size", "Large Size"]})
    ]


def add_questions(server: MCPServer[None]) -> None:
    """Tools that ask their client while they run, as it was until 2025-11-25."""

    async def filled_in(ctx: Ctx, message: str, schema: type[BaseModel]) -> str:
        outcome = await ctx.elicit(message, schema)
        content = outcome.data.model_dump_json() if outcome.action == "accept" else "{}"
        return f"action={outcome.action}, content={content}"

    @server.tool(description="Asks the client's model")
    async def test_sampling(prompt: str, ctx: Ctx) -> str:
        asked = [SamplingMessage(role="user", content=_text(prompt))]
        answer = await ctx.session.create_message(  # type: ignore[deprecated]
            messages=asked, max_tokens=100, related_request_id=ctx.request_id
        )
        return f"LLM response: {getattr(answer.content, 'text', '')}"

    @server.tool(description="Asks the user")
    async def test_elicitation(message: str, ctx: Ctx) -> str:
        return f"User response: {await filled_in(ctx, message, Response)}"

    @server.tool(description="Asks with defaults")
    async def test_elicitation_sep1034_defaults(ctx: Ctx) -> str:
        return f"Elicitation completed: {await filled_in(ctx, 'Tell about yourself', Defaults)}"

    @server.tool(description="Asks with choices")
    async def test_elicitation_sep1330_enums(ctx: Ctx) -> str:
        return f"Elicitation completed: {await filled_in(ctx, 'Choose', Enums)}"

    @server.tool(description="Closes its stream in the middle")
    async def test_reconnection(ctx: Ctx) -> str:
        await ctx.close_sse_stream()
        await anyio.sleep(0.1)
        return "Reconnection test completed"


def add_rounds(server: MCPServer[None]) -> None:
    """Tools that ask by returning their questions, as it is since 2026-07-28."""

    @server.tool(description="Asks for a name")
    async def test_input_required_result_elicitation(ctx: Ctx) -> str | InputRequiredResult:
        if (said := _content(ctx, "user_name")) is not None:
            return f"Hello, {said.get('name', 'stranger')}!"
        return InputRequiredResult(input_requests={"user_name": _form("What is your name?", "name")})

    @server.tool(description="Asks the client's model")
    async def test_input_required_result_sampling(ctx: Ctx) -> str | InputRequiredResult:
        if "capital_question" in (ctx.input_responses or {}):
            return "The model has answered."
        asked = _sample("What is the capital of France?")
        return InputRequiredResult(input_requests={"capital_question": asked})

    @server.tool(description="Asks for roots")
    async def test_input_required_result_list_roots(ctx: Ctx) -> str | InputRequiredResult:
        if "client_roots" in (ctx.input_responses or {}):
            return "Roots were given."
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})

    @server.tool(description="Asks, and remembers by the request's state")
    async def test_input_required_result_request_state(ctx: Ctx) -> str | InputRequiredResult:
        if _content(ctx, "confirm") is not None and ctx.request_state == "first":
            return "state-ok: confirmed"
        asked = {"confirm": _form("Please confirm", "ok", "boolean")}
        return InputRequiredResult(input_requests=asked, request_state="first")

    @server.tool(description="Asks three things at once")
    async def test_input_required_result_multiple_inputs(ctx: Ctx) -> str | InputRequiredResult:
        if {"user_name", "greeting", "client_roots"} <= (ctx.input_responses or {}).keys():
            return "All inputs received."
        asked = {
            "user_name": _form("What is your name?", "name"),
            "greeting": _sample("Generate a greeting"),
            "client_roots": ListRootsRequest(),
        }
        return InputRequiredResult(input_requests=asked, request_state="several")

    @server.tool(description="Asks one thing after the other")
    async def test_input_required_result_multi_round(ctx: Ctx) -> str | InputRequiredResult:
        known = json.loads(ctx.request_state or "{}")
        if "name" in known and (second := _content(ctx, "step2")) is not None:
            return f"{known['name']} likes {second.get('color')}."
        if known.get("asked") and (first := _content(ctx, "step1")) is not None:
            asked = {"step2": _form("Step 2: What is your favorite color?", "color")}
            state = json.dumps({"name": first.get("name")})
            return InputRequiredResult(input_requests=asked, request_state=state)
        asked = {"step1": _form("Step 1: What is your name?", "name")}
        return InputRequiredResult(input_requests=asked, request_state=json.dumps({"asked": True}))

    @server.tool(description="Has a state that nobody may change")
    async def test_input_required_result_tampered_state(ctx: Ctx) -> str | InputRequiredResult:
        if ctx.request_state is not None:
            return f"state-ok: {ctx.request_state}"
        asked = {"confirm": _form("Please confirm", "ok", "boolean")}
        return InputRequiredResult(input_requests=asked, request_state="round-1")

    @server.tool(description="Asks for what the client can")
    async def test_input_required_result_capabilities(ctx: Ctx) -> str | InputRequiredResult:
        able = ctx.client_capabilities
        asked: dict[str, Any] = {}
        if able is None or able.sampling is not None:
            asked["sample"] = _sample("Say hello")
        if able is None or able.elicitation is not None:
            asked["ask"] = _form("What is your name?", "name")
        return InputRequiredResult(input_requests=asked, request_state="by capability")

    @server.tool(description="Wants a client that can sample")
    async def test_missing_capability(ctx: Ctx) -> str:
        able = ctx.client_capabilities
        if able is None or able.sampling is None:
            raise MCPError(
                MISSING_REQUIRED_CLIENT_CAPABILITY,
                "this tool needs the client's sampling",
                {"requiredCapabilities": {"sampling": {}}},
            )
        return "The client can sample."

    @server.prompt(description="Asks before it answers")
    async def test_input_required_result_prompt(ctx: Ctx) -> list[UserMessage] | InputRequiredResult:
        if (said := _content(ctx, "user_context")) is not None:
            return [UserMessage(content=_text(f"Use this context: {said.get('context')}"))]
        asked = {"user_context": _form("What context should the prompt use?", "context")}
        return InputRequiredResult(input_requests=asked)


def add_changes(server: MCPServer[None]) -> None:
    """Tools that change the lists, and tell those who listen."""

    async def passing() -> str:
        return "for a moment"

    @server.tool(description="Changes the list of tools")
    async def test_trigger_tool_change(ctx: Ctx) -> str:
        server.add_tool(passing, name="test_dynamic_tool", description="there for a moment")
        server.remove_tool("test_dynamic_tool")
        await ctx.notify_tools_changed()
        return "changed"

    @server.tool(description="Changes the list of prompts")
    async def test_trigger_prompt_change(ctx: Ctx) -> str:
        prompt = Prompt.from_function(passing, name="test_dynamic_prompt", description="there for a moment")
        server.add_prompt(prompt)
        server.remove_prompt("test_dynamic_prompt")
        await ctx.notify_prompts_changed()
        return "changed"


def add_resources_and_prompts(server: MCPServer[None]) -> None:
    @server.resource("test://static-text", mime_type="text/plain", description="A text")
    async def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png", description="A picture")
    async def static_binary() -> bytes:
        return _png()

    @server.resource("test://template/{id}/data", mime_type="application/json", description="By its id")
    async def template(id: str) -> str:
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    @server.resource("test://watched-resource", mime_type="text/plain", description="One to watch")
    async def watched() -> str:
        return "Watched resource content"

    @server.prompt(description="No arguments")
    async def test_simple_prompt() -> list[UserMessage]:
        return [UserMessage(content=_text("This is a simple prompt for testing."))]

    @server.prompt(description="Two arguments")
    async def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
        return [UserMessage(content=_text(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"))]

    @server.prompt(description="A resource within")
    async def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
        embedded = _embedded(resourceUri, "Embedded resource content for testing.")
        return [UserMessage(content=embedded), UserMessage(content=_text("Process the resource above."))]

    @server.prompt(description="A picture within")
    async def test_prompt_with_image() -> list[UserMessage]:
        return [UserMessage(content=PICTURE), UserMessage(content=_text("Analyze the image above."))]

    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> Completion:
        return Completion(values=[], total=0, has_more=False)

    async def done(ctx: Any, params: Any) -> EmptyResult:
        return EmptyResult()

    low = server._lowlevel_server
    low.add_request_handler("logging/setLevel", SetLevelRequestParams, done)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, done)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, done)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, bind("127.0.0.1", 0) as listening:
        config = Config(data=Path(folder))
        async with SharedRunner(config) as source:
            server = create_server(source, config, transport="http")
            for add in (add_contents, add_questions, add_rounds, add_changes, add_resources_and_prompts):
                add(server)
            app = http_app(server, source, config)
            running = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
            sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp\n")
            sys.stdout.flush()
            await running.serve(sockets=[listening])


if __name__ == "__main__":
    anyio.run(main)

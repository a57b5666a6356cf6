"""An MCP tool that refuses unknown arguments and says what is wrong in one line."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from thinkedit.errors import ThinkEditError

__all__ = ["ERROR_KIND", "StrictTool", "strict_tool"]

ERROR_KIND = "thinkedit/error"
"""Names the class of an error in a result's `_meta`: for clients of ours, which have an exit code for it."""


class StrictTool(Tool):
    """Every ThinkEditError becomes a tool error with its own line; anything else is masked and logged.

    Arguments are taken as they are: a prompt that happens to be JSON stays text.
    """

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        try:
            validated = self.fn_metadata.arg_model.model_validate(arguments).model_dump_one_level()
        except ValidationError as error:
            raise ToolError(self._what_is_wrong(error)) from error
        if self.context_kwarg is not None:
            validated[self.context_kwarg] = context
        try:
            result = await self.fn(**validated)
            return self.fn_metadata.convert_result(result) if convert_result else result
        except (MCPError, ToolError):
            raise
        except ThinkEditError as error:
            if not convert_result:
                raise ToolError(_one_line(str(error))) from error
            text = TextContent(type="text", text=_one_line(str(error)))
            kind = {ERROR_KIND: type(error).__name__}
            return CallToolResult(content=[text], is_error=True, _meta=kind)
        except Exception as error:
            raise UnexpectedToolError(
                f"{self.name} failed in a way it should not; the server's log has the details"
            ) from error

    def _what_is_wrong(self, error: ValidationError) -> str:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        known = list(self.parameters["properties"])
        match first["type"]:
            case "missing":
                return f"{self.name} needs the argument {name!r}"
            case "extra_forbidden":
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                return f"{self.name} has no argument {_shown(name)}: {hint}it takes {', '.join(known)}"
            case _:
                message = first["msg"][:1].lower() + first["msg"][1:]
                return f"the argument {name!r} has the value {_shown(first['input'])}: {message}"


def strict_tool(
    fn: Callable[..., Any],
    *,
    name: str,
    title: str,
    description: str,
    annotations: ToolAnnotations,
    meta: dict[str, Any] | None = None,
) -> StrictTool:
    """A tool of an async function whose parameters and return annotation give the schemas."""
    tool = StrictTool.from_function(
        fn, name=name, title=title, description=description, annotations=annotations, meta=meta
    )
    assert isinstance(tool, StrictTool)
    model = tool.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"
    model.model_rebuild(force=True)
    tool.parameters = _without_titles(model.model_json_schema(by_alias=True))
    metadata = tool.fn_metadata
    if metadata.output_schema is not None:
        metadata.output_schema = _without_titles(metadata.output_schema)
    return tool


def _without_titles(schema: Any) -> Any:
    """A schema without the titles that pydantic makes of names: agents pay for each word of it."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _without_titles(inner) for name, inner in value.items()}
        if key in ("properties", "$defs")
        else _without_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def _one_line(text: str, most: int = 900) -> str:
    """Whatever an error repeats of what was sent: one line, not long, nothing a terminal acts on."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 300]} ... {line[-300:]}"


def _shown(value: object, length: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."

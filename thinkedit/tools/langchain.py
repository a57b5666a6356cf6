"""The tools as LangChain tools, for agents that run in this process.

    from thinkedit.tools.langchain import thinkedit_tools
    async with thinkedit_tools() as tools:
        agent = create_agent("openai:gpt-5", tools)

Each answers with text and, for models that take images in tool results, previews; the artifact of the tool
message is the structured result, as Python has it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pybase64
from anyio.to_thread import run_sync
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field

from thinkedit import tools
from thinkedit.errors import ThinkEditError
from thinkedit.tools import descriptions
from thinkedit.tools.inputs import a_runner
from thinkedit.tools.think import Action
from thinkedit.types import CallerCritique, EditResult, Image, Status

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner

__all__ = ["thinkedit_tools"]

PREVIEW_BYTES = 256_000

Picture = Annotated[str, Field(description="path of the picture, or thinkedit:// URI of an earlier result")]
Instruction = Annotated[str, Field(description="what to change, in words, as the user said it")]
Given = Annotated[str | None, Field(description="a picture: its path, or thinkedit:// URI")]
Thinker = Annotated[str | None, Field(description="`measured`, `host` (you), or a configured name")]


@asynccontextmanager
async def thinkedit_tools(
    runner: Runner | None = None, *, images: bool = True, **defaults: Any
) -> AsyncIterator[list[BaseTool]]:
    """The five tools, for as long as the context lasts.

    runner: whose sessions, store and models they use; without one the user's configuration is opened.
    images: whether results have previews as image blocks; False for models that take no images there.
    defaults: fields of LoopSettings for every think_edit (editor, thinker, turns, ...).

    A ThinkEditError becomes a tool message of status `error` with its one line.
    """
    async with a_runner(runner) as opened:
        calls = _Calls(opened, images, defaults)
        yield [
            _tool(calls.think_edit, descriptions.THINK_EDIT),
            _tool(calls.continue_edit, descriptions.CONTINUE_EDIT),
            _tool(calls.edit_image, descriptions.EDIT_IMAGE),
            _tool(calls.critique_image, descriptions.CRITIQUE_IMAGE),
            _tool(calls.refine_instruction, descriptions.REFINE_INSTRUCTION),
        ]


Blocks = list[dict[str, Any]]
Answer = tuple[str | Blocks, Any]


def _tool(call: Callable[..., Awaitable[Answer]], description: str) -> BaseTool:
    async def told(**arguments: Any) -> Answer:
        try:
            return await call(**arguments)
        except ThinkEditError as error:
            raise ToolException(" ".join(str(error).split())) from error

    return StructuredTool.from_function(
        coroutine=told,
        name=call.__name__,
        description=description,
        args_schema=_schema(call),
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def _schema(call: Callable[..., Any]) -> type[BaseModel]:
    from pydantic import ConfigDict, create_model
    from typing_extensions import get_type_hints

    hints = get_type_hints(call, include_extras=True)
    defaults = call.__kwdefaults__ or {}
    fields: dict[str, Any] = {
        name: (hint, defaults.get(name, ...)) for name, hint in hints.items() if name != "return"
    }
    return create_model(call.__name__, __config__=ConfigDict(extra="forbid"), **fields)


class _Calls:
    """Bound to one runner. Parameters are the tools' arguments; their annotations make the schemas."""

    def __init__(self, runner: Runner, images: bool, defaults: dict[str, Any]) -> None:
        self._runner = runner
        self._images = images
        self._defaults = defaults

    async def think_edit(
        self,
        *,
        image: Picture,
        instruction: Instruction,
        turns: Annotated[int | None, Field(ge=1, le=12, description="turns at most")] = None,
        threshold: Annotated[float | None, Field(ge=0, le=10, description="good enough")] = None,
        editor: Annotated[str | None, Field(description="`photo` or a configured name")] = None,
        thinker: Thinker = None,
        seed: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None,
        pause: Annotated[
            Literal["never", "turn"] | None, Field(description="`turn`: return after each turn")
        ] = None,
    ) -> Answer:
        given = {"turns": turns, "threshold": threshold, "editor": editor, "thinker": thinker}
        given |= {"seed": seed, "pause": pause}
        chosen = self._defaults | {name: value for name, value in given.items() if value is not None}
        return await self._session(await tools.think_edit(image, instruction, runner=self._runner, **chosen))

    async def continue_edit(
        self,
        *,
        session_id: Annotated[str, Field(description="of an earlier result")],
        action: Annotated[Action, Field(description="what to do, see above")] = "go_on",
        turns: Annotated[int | None, Field(ge=1, le=12, description="how many turns more")] = None,
        prompt: Annotated[str | None, Field(description="what to tell the editor next")] = None,
        turn: Annotated[int | None, Field(ge=1, description="which turn is meant")] = None,
        critique: Annotated[CallerCritique | None, Field(description="for the action critique")] = None,
    ) -> Answer:
        result = await tools.continue_edit(
            session_id, action, turns=turns, prompt=prompt, turn=turn, critique=critique, runner=self._runner
        )
        return await self._session(result)

    async def edit_image(
        self,
        *,
        image: Picture,
        prompt: Instruction,
        seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0,
        editor: Annotated[str | None, Field(description="`photo` or a configured name")] = None,
    ) -> Answer:
        editor = editor or self._defaults.get("editor")
        result = await tools.edit_image(image, prompt, seed=seed, editor=editor, runner=self._runner)
        text = f"Edited by {result.editor}, not judged. Result: {result.image.uri}"
        return await self._shown(text, result.image), result

    async def critique_image(
        self,
        *,
        source: Given = None,
        edited: Given = None,
        instruction: Annotated[str | None, Field(description="what the user asked for")] = None,
        session_id: Annotated[str | None, Field(description="instead of pictures")] = None,
        turn: Annotated[int | None, Field(ge=1)] = None,
        thinker: Thinker = None,
    ) -> Answer:
        given = {"session_id": session_id, "turn": turn, "thinker": thinker or self._defaults.get("thinker")}
        if session_id is not None and thinker is None:
            given["thinker"] = None
        result = await tools.critique_image(source, edited, instruction, runner=self._runner, **given)  # type: ignore[arg-type]
        return result.model_dump_json(exclude_none=True), result

    async def refine_instruction(
        self,
        *,
        source: Given = None,
        edited: Given = None,
        instruction: Annotated[str | None, Field(description="what the user asked for")] = None,
        session_id: Annotated[str | None, Field(description="instead of pictures")] = None,
        turn: Annotated[int | None, Field(ge=1)] = None,
        thinker: Thinker = None,
    ) -> Answer:
        given = {"session_id": session_id, "turn": turn, "thinker": thinker or self._defaults.get("thinker")}
        if session_id is not None and thinker is None:
            given["thinker"] = None
        result = await tools.refine_instruction(source, edited, instruction, runner=self._runner, **given)  # type: ignore[arg-type]
        return result.model_dump_json(exclude_none=True), result

    async def _session(self, result: EditResult) -> Answer:
        under_way = result.status in (Status.RUNNING, Status.PAUSED)
        newest = next((turn.image for turn in reversed(result.turns) if turn.image is not None), None)
        shown = newest if under_way else result.image
        host = result.next is not None and result.next.action == "critique"
        text = result.model_dump_json(exclude_none=True, exclude={"turns": {"__all__": {"candidates"}}})
        pictures = [] if shown is None else [result.source, shown] if host else [shown]
        return await self._shown(text, *pictures), result

    async def _shown(self, text: str, *pictures: Image) -> str | Blocks:
        if not self._images or not pictures:
            return text
        blocks: Blocks = [{"type": "text", "text": text}]
        for image in pictures:
            picture = await run_sync(self._runner.store.get, image.sha256)
            preview = await run_sync(picture.preview, PREVIEW_BYTES)
            data = pybase64.b64encode(preview.data).decode("ascii")
            blocks.append({"type": "image", "base64": data, "mime_type": preview.mime_type})
        return blocks

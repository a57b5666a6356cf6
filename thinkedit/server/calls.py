"""The five tools as MCP calls them: arguments in words, results as `delivery` packs them.

Which safety check is used is not an argument: it is the operator's to choose, in the configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from anyio.to_thread import run_sync
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from thinkedit import tools
from thinkedit.images import Loaded
from thinkedit.server.access import AccessPolicy, is_file_name
from thinkedit.server.delivery import Delivery
from thinkedit.server.lifetime import RunnerSource
from thinkedit.server.progress import EditProgress, SessionProgress
from thinkedit.tools import CritiqueResult, EditedResult, RefinedResult
from thinkedit.types import EditResult, LoopSettings

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner

__all__ = ["Calls"]


def _usual(setting: str) -> str:
    return f"usually {LoopSettings.model_fields[setting].default:g}"


_PICTURE = "path of the file, thinkedit:// URI of an earlier result or upload, or data: URI"

Picture = Annotated[str, Field(description=f"the picture to edit: {_PICTURE}")]
Original = Annotated[str | None, Field(description=f"the picture before the edit: {_PICTURE}")]
Edited = Annotated[str | None, Field(description=f"the picture after the edit: {_PICTURE}")]
Instruction = Annotated[
    str,
    Field(
        description="what to change, in words, as the user said it; at most 4,000 characters",
        examples=["make it warmer and blur the background slightly"],
    ),
]
Asked = Annotated[str | None, Field(description="what the user asked for")]
Told = Annotated[str | None, Field(description="what the editor was told, where that was another text")]
Turns = Annotated[int | None, Field(ge=1, le=12, description=f"turns at most; {_usual('turns')}")]
Threshold = Annotated[
    float | None,
    Field(ge=0, le=10, description=f"both scores must reach this to be satisfied; {_usual('threshold')}"),
]
Mode = Annotated[
    Literal["while", "before", "both"] | None,
    Field(description="think while editing (default), only before the one edit, or both"),
]
Candidates = Annotated[
    int | None, Field(ge=1, le=8, description="pictures made in each turn, the best is kept; usually 1")
]
Passes = Annotated[
    int | None,
    Field(ge=1, le=8, description="critiques of each picture, whose scores are averaged; usually 1"),
]
Select = Annotated[
    Literal["score", "pairwise"] | None,
    Field(description="choose the best turn by score (default), or have the thinker compare the best two"),
]
RefinerName = Annotated[
    str | None,
    Field(description="another thinker that writes the next prompt; default: the thinker does"),
]
Seed = Annotated[
    int | None, Field(ge=0, le=2**31 - 1, description="for the same result again; drawn when not given")
]
PassSeed = Annotated[
    int,
    Field(ge=0, le=2**31 - 1, description="another seed gives another picture, where the editor has seeds"),
]
EditorName = Annotated[
    str | None, Field(description="`photo` (default), `kind:model`, or a name from the configuration")
]
ThinkerName = Annotated[
    str | None, Field(description="`measured` (default), `kind:model`, or a name from the configuration")
]
BudgetSeconds = Annotated[
    float | None, Field(gt=0, description="stop after this much model time, in seconds")
]
SessionId = Annotated[str, Field(description="`session_id` of an earlier result")]
OfSession = Annotated[
    str | None, Field(description="instead of pictures: `session_id` of an earlier think_edit")
]
OfTurn = Annotated[
    int | None, Field(ge=1, description="which turn of that session; default: the selected one")
]
Action = Annotated[
    Literal["go_on", "prompt", "pick", "stop", "cancel"], Field(description="what to do, see above")
]
MoreTurns = Annotated[int | None, Field(ge=1, le=12, description="for go_on and prompt: how many turns more")]
NextPrompt = Annotated[str | None, Field(description="for prompt: what to tell the editor next")]
PickedTurn = Annotated[int | None, Field(ge=1, description="for pick: the turn to take")]


class Calls:
    """Bound to one server: where its runner comes from, which files it reads, how it answers."""

    def __init__(self, source: RunnerSource, access: AccessPolicy, delivery: Delivery) -> None:
        self._source = source
        self._access = access
        self._delivery = delivery

    async def think_edit(
        self,
        image: Picture,
        instruction: Instruction,
        ctx: Context[Any, Any],
        turns: Turns = None,
        threshold: Threshold = None,
        mode: Mode = None,
        candidates: Candidates = None,
        seed: Seed = None,
        editor: EditorName = None,
        thinker: ThinkerName = None,
        refiner: RefinerName = None,
        passes: Passes = None,
        select: Select = None,
        budget_seconds: BudgetSeconds = None,
    ) -> Annotated[CallToolResult, EditResult]:
        async with self._source.use() as runner:
            self._access.check_models(runner.config, editor, thinker, refiner)
            result = await tools.think_edit(
                await self._picture(runner, image),
                instruction,
                runner=runner,
                on_event=SessionProgress(ctx),
                turns=turns,
                threshold=threshold,
                mode=mode,
                candidates=candidates,
                seed=seed,
                editor=editor,
                thinker=thinker,
                refiner=refiner,
                passes=passes,
                select=select,
                budget_seconds=budget_seconds,
            )
            return await self._delivery.session(runner, result, base_url=_base_url(ctx))

    async def continue_edit(
        self,
        session_id: SessionId,
        ctx: Context[Any, Any],
        action: Action = "go_on",
        turns: MoreTurns = None,
        prompt: NextPrompt = None,
        turn: PickedTurn = None,
    ) -> Annotated[CallToolResult, EditResult]:
        async with self._source.use() as runner:
            before = (await runner.result(session_id)).image
            result = await tools.continue_edit(
                session_id,
                action,
                turns=turns,
                prompt=prompt,
                turn=turn,
                runner=runner,
                on_event=SessionProgress(ctx),
            )
            return await self._delivery.session(runner, result, before, base_url=_base_url(ctx))

    async def edit_image(
        self,
        image: Picture,
        prompt: Instruction,
        ctx: Context[Any, Any],
        seed: PassSeed = 0,
        editor: EditorName = None,
    ) -> Annotated[CallToolResult, EditedResult]:
        async with self._source.use() as runner:
            self._access.check_models(runner.config, editor)
            loaded = await self._picture(runner, image)
            result = await tools.edit_image(
                loaded, prompt, seed=seed, editor=editor, runner=runner, progress=EditProgress(ctx)
            )
            name, mime = (
                (loaded.name, loaded.mime_type)
                if isinstance(loaded, Loaded)
                else (None, result.source.mime_type)
            )
            return await self._delivery.edited(runner, result, name, mime, base_url=_base_url(ctx))

    async def critique_image(
        self,
        source: Original = None,
        edited: Edited = None,
        instruction: Asked = None,
        session_id: OfSession = None,
        turn: OfTurn = None,
        prompt: Told = None,
        thinker: ThinkerName = None,
        threshold: Threshold = None,
        passes: Passes = None,
    ) -> Annotated[CallToolResult, CritiqueResult]:
        async with self._source.use() as runner:
            self._access.check_models(runner.config, thinker)
            result = await tools.critique_image(
                await self._maybe(runner, source),
                await self._maybe(runner, edited),
                instruction,
                session_id=session_id,
                turn=turn,
                prompt=prompt,
                thinker=thinker,
                threshold=threshold,
                passes=passes,
                runner=runner,
            )
            return self._delivery.critique(result)

    async def refine_instruction(
        self,
        source: Original = None,
        edited: Edited = None,
        instruction: Asked = None,
        session_id: OfSession = None,
        turn: OfTurn = None,
        prompt: Told = None,
        thinker: ThinkerName = None,
        threshold: Threshold = None,
        refiner: RefinerName = None,
    ) -> Annotated[CallToolResult, RefinedResult]:
        async with self._source.use() as runner:
            self._access.check_models(runner.config, thinker, refiner)
            result = await tools.refine_instruction(
                await self._maybe(runner, source),
                await self._maybe(runner, edited),
                instruction,
                session_id=session_id,
                turn=turn,
                prompt=prompt,
                thinker=thinker,
                threshold=threshold,
                refiner=refiner,
                runner=runner,
            )
            return self._delivery.refined(result)

    async def _picture(self, runner: Runner, image: str) -> Loaded | str:
        """A file is read here, where it is known which may be; URIs are the tools' affair."""
        if not is_file_name(image):
            return image
        keep = runner.config.keep_metadata
        return await run_sync(lambda: self._access.read(image, runner.image_limits, keep_metadata=keep))

    async def _maybe(self, runner: Runner, image: str | None) -> Loaded | str | None:
        return None if image is None else await self._picture(runner, image)


def _base_url(ctx: Context[Any, Any]) -> str | None:
    """Where a client on HTTP reached this server; None on stdio."""
    host = ctx.headers.get("host") if ctx.headers is not None else None
    return f"http://{host}" if host else None

"""The five tools as MCP calls them: arguments in words, results as `delivery` packs them.

Which safety check is used is not an argument: it is the operator's to choose, in the configuration.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

from anyio.to_thread import run_sync
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, InputRequiredResult

from thinkedit import tools
from thinkedit.errors import ActionError, NotFoundError
from thinkedit.images import Loaded
from thinkedit.server import arguments as given
from thinkedit.server.access import AccessPolicy, is_file_name, is_url
from thinkedit.server.allowance import Allowance
from thinkedit.server.callers import caller
from thinkedit.server.choosing import person_chooses
from thinkedit.server.delivery import Delivery
from thinkedit.server.fetching import Fetcher
from thinkedit.server.lifetime import RunnerSource
from thinkedit.server.progress import EditProgress, SessionProgress
from thinkedit.tools import CritiqueResult, EditedResult, RefinedResult
from thinkedit.tools.think import owned_session
from thinkedit.types import EditResult

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner

__all__ = ["Calls"]


class Calls:
    """Bound to one server: where its runner comes from, which files it reads, how it answers.

    Each call is made for whoever sent it, and within what they may have. public_url: where clients find the
    server, where that is not the address at which they reach it.
    """

    def __init__(
        self,
        source: RunnerSource,
        access: AccessPolicy,
        delivery: Delivery,
        fetcher: Fetcher,
        allowance: Allowance,
        public_url: str | None = None,
    ) -> None:
        self._source = source
        self._access = access
        self._delivery = delivery
        self._fetcher = fetcher
        self._allowance = allowance
        self._public_url = public_url

    async def think_edit(
        self,
        image: given.Picture,
        instruction: given.Instruction,
        ctx: Context[Any, Any],
        turns: given.Turns = None,
        threshold: given.Threshold = None,
        mode: given.Mode = None,
        candidates: given.Candidates = None,
        seed: given.Seed = None,
        editor: given.EditorName = None,
        thinker: given.ThinkerName = None,
        refiner: given.RefinerName = None,
        passes: given.Passes = None,
        select: given.Select = None,
        budget_seconds: given.BudgetSeconds = None,
        pause: given.Pause = None,
        wait_seconds: given.WaitSeconds = given.USUAL_WAIT,
    ) -> Annotated[CallToolResult, EditResult]:
        async with self._source.use() as runner:
            self._access.check_models(runner.config, editor, thinker, refiner)
            result = await tools.think_edit(
                await self._picture(runner, image),
                instruction,
                runner=runner,
                owner=caller(),
                room=self._allowance.session(runner.ledger, caller(), new=True),
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
                pause=pause,
                wait_seconds=wait_seconds,
            )
            return await self._delivery.session(runner, result, base_url=self._base_url(ctx))

    async def continue_edit(
        self,
        session_id: given.SessionId,
        ctx: Context[Any, Any],
        action: given.Action = "go_on",
        turns: given.MoreTurns = None,
        prompt: given.NextPrompt = None,
        turn: given.OneTurn = None,
        semantic: given.Semantic = None,
        quality: given.Quality = None,
        reasoning: given.Reasoning = None,
        next_prompt: given.CritiquePrompt = None,
        ask_person: given.AskPerson = False,
        wait_seconds: given.WaitSeconds = given.USUAL_WAIT,
    ) -> Annotated[CallToolResult, EditResult]:
        said = {"semantic": semantic, "quality": quality, "reasoning": reasoning, "next_prompt": next_prompt}
        critique = {name: value for name, value in said.items() if value is not None}
        async with self._source.use() as runner:
            before = None
            with suppress(NotFoundError):  # continue_edit says it better
                await owned_session(runner, session_id, caller())
                before = await runner.result(session_id)
            if ask_person and before is not None:
                if action != "pick" or turn is not None:
                    raise ActionError("ask_person belongs to the action 'pick' without turn")
                where = _where_to_look(session_id, self._base_url(ctx))
                chosen = await person_chooses(ctx, before, where)
                if isinstance(chosen, InputRequiredResult):
                    return chosen  # type: ignore[return-value]  # the question; the host calls again
                if chosen is None:
                    note = "The person chose neither, so it stays as it was."
                    return await self._delivery.session(
                        runner, before, note=note, base_url=self._base_url(ctx)
                    )
                turn = chosen
            result = await tools.continue_edit(
                session_id,
                action,
                turns=turns,
                prompt=prompt,
                turn=turn,
                critique=critique or None,
                runner=runner,
                owner=caller(),
                room=self._allowance.session(runner.ledger, caller(), new=action == "fork"),
                on_event=SessionProgress(ctx),
                wait_seconds=wait_seconds,
            )
            return await self._delivery.session(
                runner, result, before.image if before is not None else None, base_url=self._base_url(ctx)
            )

    async def edit_image(
        self,
        image: given.Picture,
        prompt: given.Instruction,
        ctx: Context[Any, Any],
        seed: given.PassSeed = 0,
        editor: given.EditorName = None,
    ) -> Annotated[CallToolResult, EditedResult]:
        async with self._source.use() as runner:
            self._access.check_models(runner.config, editor)
            async with self._allowance.call(runner.ledger, caller()):
                loaded = await self._picture(runner, image)
                result = await tools.edit_image(
                    loaded,
                    prompt,
                    seed=seed,
                    editor=editor,
                    runner=runner,
                    owner=caller(),
                    progress=EditProgress(ctx),
                )
            name, mime = (
                (loaded.name, loaded.mime_type)
                if isinstance(loaded, Loaded)
                else (None, result.source.mime_type)
            )
            return await self._delivery.edited(runner, result, name, mime, base_url=self._base_url(ctx))

    async def critique_image(
        self,
        source: given.Original = None,
        edited: given.Edited = None,
        instruction: given.Asked = None,
        session_id: given.OfSession = None,
        turn: given.OfTurn = None,
        prompt: given.Told = None,
        thinker: given.ThinkerName = None,
        threshold: given.Threshold = None,
        passes: given.Passes = None,
    ) -> Annotated[CallToolResult, CritiqueResult]:
        async with self._source.use() as runner:
            self._access.check_models(runner.config, thinker)
            async with self._allowance.call(runner.ledger, caller()):
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
                    owner=caller(),
                )
            return self._delivery.critique(result)

    async def refine_instruction(
        self,
        source: given.Original = None,
        edited: given.Edited = None,
        instruction: given.Asked = None,
        session_id: given.OfSession = None,
        turn: given.OfTurn = None,
        prompt: given.Told = None,
        thinker: given.ThinkerName = None,
        threshold: given.Threshold = None,
        refiner: given.RefinerName = None,
    ) -> Annotated[CallToolResult, RefinedResult]:
        async with self._source.use() as runner:
            self._access.check_models(runner.config, thinker, refiner)
            async with self._allowance.call(runner.ledger, caller()):
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
                    owner=caller(),
                )
            return self._delivery.refined(result)

    async def _picture(self, runner: Runner, image: str) -> Loaded | str:
        """Files and URLs are read here, where it is known which may be; URIs are the tools' affair."""
        keep = runner.config.keep_metadata
        if is_url(image):
            return await self._fetcher.load(image, runner.image_limits, keep_metadata=keep)
        if not is_file_name(image):
            return image
        return await run_sync(lambda: self._access.read(image, runner.image_limits, keep_metadata=keep))

    async def _maybe(self, runner: Runner, image: str | None) -> Loaded | str | None:
        return None if image is None else await self._picture(runner, image)

    def _base_url(self, ctx: Context[Any, Any]) -> str | None:
        """Where clients on HTTP find this server; None on stdio. What proxies add is not believed."""
        host = ctx.headers.get("host") if ctx.headers is not None else None
        return self._public_url or f"http://{host}" if host else None


def _where_to_look(session_id: str, base_url: str | None) -> str:
    if base_url is not None:
        return f"Both can be seen at {base_url}/sessions/{session_id}"
    return f"Both can be seen with: thinkedit view {session_id}"

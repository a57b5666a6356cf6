"""Model calls that are recorded, bounded in time, tried again a bounded number of times and never paid twice.

A finished call is written to the ledger under (session, role, turn, item, digest of the request with the
model's identity). On resume it is read back instead of made again; failed attempts count on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

import anyio
from anyio.to_thread import run_sync

from thinkedit.adapters.base import (
    CritiqueRequest,
    EditedImage,
    Editor,
    EditRequest,
    Progress,
    Thinker,
)
from thinkedit.errors import (
    AnswerError,
    EditError,
    EditorFailed,
    EditRefused,
    LedgerError,
    NeedsCaller,
    NotFoundError,
    StoreError,
    ThinkEditError,
    ThinkerFailed,
    UnsupportedEdit,
)
from thinkedit.graph.answers import critique_in, in_one_line, items_in, text_in
from thinkedit.graph.cache import PictureCache
from thinkedit.graph.digests import digest_of_critique, digest_of_edit
from thinkedit.graph.patience import TooLate, in_time
from thinkedit.graph.safety import Unchecked, refused_before
from thinkedit.graph.together import together
from thinkedit.graph.turnstile import away
from thinkedit.graph.watching import UNWATCHED, ModelCall, Outcome, Role, Watcher, outcome_of
from thinkedit.images import Picture
from thinkedit.ledger import Call, Ledger
from thinkedit.store import Store
from thinkedit.types import Critique, CritiqueState, Image, LoopSettings, Usage

__all__ = ["LONGEST_BACKOFF", "Calls", "EditOutcome"]

log = logging.getLogger("thinkedit")
LONGEST_BACKOFF = 30.0
"""Seconds between two tries of a call, at most."""

_CALL_STATE: dict[CritiqueState, Literal["ok", "failed", "unparseable"]] = {
    CritiqueState.SCORED: "ok",
    CritiqueState.FAILED: "failed",
    CritiqueState.UNPARSEABLE: "unparseable",
}

Retrying = Callable[[str], None]
Allowed = Callable[[int, Picture], Awaitable[None]]
"""Asked of (index of the request, its image)."""

T = TypeVar("T")


@dataclass
class EditOutcome:
    """What became of one requested image: its hash, or the error that ended the attempts."""

    image: str | None = None
    error: EditError | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Calls:
    """The model calls of one session's turn."""

    store: Store
    ledger: Ledger
    pictures: PictureCache
    session_id: str
    turn: int
    settings: LoopSettings
    retrying: Retrying
    watcher: Watcher = UNWATCHED

    async def edit(
        self,
        editor: Editor,
        requests: Sequence[EditRequest],
        progress: Progress | None = None,
        allowed: Allowed | None = None,
    ) -> list[EditOutcome]:
        """Make the images that are not recorded yet, in batches; one outcome for each request.

        allowed: asked of each new image before it is stored; EditRefused or Unchecked where it may not be.
        """
        outcomes = [EditOutcome() for _ in requests]
        digests = [digest_of_edit(editor.identity, request) for request in requests]
        failures = [0] * len(requests)
        waiting: list[int] = []
        for index, digest in enumerate(digests):
            done, failed = await self.ledger.recorded(self.session_id, "edit", self.turn, index, digest)
            if done is not None and await self._usable(done.output):
                outcomes[index] = EditOutcome(image=done.output, seconds=done.seconds)
                self.told("edit", editor.identity, "ok", done.seconds, len(failed) + 1, replayed=True)
                continue
            refused = next((call for call in failed if call.state == "refused"), None)
            failures[index] = len(failed)
            if refused is not None:
                outcomes[index].error = refused_before(refused.error or "the editor refused the prompt")
            elif len(failed) > self.settings.retries:
                outcomes[index].error = EditorFailed(failed[-1].error or "the editor failed")
            else:
                waiting.append(index)
        while waiting:
            await self.back_off(max(failures[index] for index in waiting))
            began, started = time.time(), time.monotonic()
            made = await self._edit_once(editor, [requests[index] for index in waiting], progress)
            seconds = (time.monotonic() - started) / len(waiting)
            for index, item in zip(waiting, made, strict=True):
                said = outcome_of(item if isinstance(item, EditError) else None)
                self.told("edit", editor.identity, said, seconds, failures[index] + 1, began=began)
            if allowed is not None:
                made = await self._let_through(waiting, made, allowed)
            still: list[int] = []
            for index, item in zip(waiting, made, strict=True):
                outcome = outcomes[index]
                outcome.seconds += seconds
                if isinstance(item, EditedImage):
                    outcome.image = await self._keep(index, digests[index], item.picture, seconds)
                    continue
                if isinstance(item, Unchecked):  # the editor is not to blame: nothing is recorded of it
                    outcome.error = item
                    continue
                failures[index] += 1
                refused_now = isinstance(item, UnsupportedEdit | EditRefused)
                failed_call = Call("refused" if refused_now else "failed", "", str(item), seconds)
                await self.record("edit", index, digests[index], failed_call)
                if item.retryable and failures[index] <= self.settings.retries:
                    self.retrying(f"the editor failed, trying again: {item}")
                    still.append(index)
                else:
                    outcome.error = item
            waiting = still
        return outcomes

    async def _let_through(
        self, waiting: Sequence[int], made: Sequence[EditedImage | EditError], allowed: Allowed
    ) -> list[EditedImage | EditError]:
        """The images that the safety check allows, and for each other one why not."""

        async def one(index: int, item: EditedImage | EditError) -> EditedImage | EditError:
            if isinstance(item, EditedImage):
                try:
                    await allowed(index, item.picture)
                except (EditRefused, Unchecked) as error:
                    return error
            return item

        return await together([partial(one, index, item) for index, item in zip(waiting, made, strict=True)])

    async def _usable(self, sha: str) -> bool:
        """Whether a recorded picture can still be read; one that cannot is made again."""
        try:
            self.pictures.add(await run_sync(self.store.get, sha))
        except (NotFoundError, StoreError):
            return False
        return True

    async def _edit_once(
        self, editor: Editor, requests: Sequence[EditRequest], progress: Progress | None
    ) -> Sequence[EditedImage | EditError]:
        limit = self.settings.edit_timeout
        failed: EditError
        try:
            made = await self._in_time(limit, lambda told: editor.edit(requests, told), progress)
            return items_in(made, len(requests))
        except EditError as error:
            failed = error
        except LedgerError:
            raise
        except TooLate as error:
            failed = EditorFailed(f"the editor gave no image within {limit:g} s")
            failed.__cause__ = error
        except Exception as error:
            log.exception("editor %s raised an error that its contract does not name", editor.identity)
            failed = EditorFailed(in_one_line(error))
        return [failed] * len(requests)

    async def _in_time(
        self, limit: float, call: Callable[[Progress], Awaitable[T]], progress: Progress | None = None
    ) -> T:
        """Make a model call with the lease kept alive. Raises TooLate."""
        async with self.ledger.hold(self.session_id), away():
            return await in_time(limit, call, progress)

    async def _keep(self, index: int, digest: str, picture: Picture, seconds: float) -> str:
        sha = await run_sync(self.store.put, picture)
        self.pictures.add(picture)
        image = Image.stored(sha, picture.width, picture.height, picture.mime_type, len(picture.data))
        await self.record("edit", index, digest, Call("ok", sha, None, seconds), image)
        return sha

    async def critique(
        self, thinker: Thinker, index: int, request: CritiqueRequest
    ) -> tuple[Critique, float]:
        """(critique, seconds). Its state is other than `scored` only when the retries are used up.

        Its usage is that of all attempts.
        """
        digest = digest_of_critique(thinker.identity, getattr(thinker, "template", ""), request)
        done, failed = await self.ledger.recorded(self.session_id, "critique", self.turn, index, digest)
        if done is not None:
            self.told("critique", thinker.identity, "ok", done.seconds, len(failed) + 1, replayed=True)
            return Critique.model_validate_json(done.output), done.seconds
        spent = 0.0
        failures = len(failed)
        retryable = True
        latest = Critique.model_validate_json(failed[-1].output) if failed else None
        while latest is None or (retryable and failures <= self.settings.retries):
            await self.back_off(failures)
            started = time.monotonic()
            before = latest.usage if latest is not None else None
            latest, retryable, said = await self._critique_once(thinker, request)
            seconds = time.monotonic() - started
            self.told("critique", thinker.identity, said, seconds, failures + 1, usage=latest.usage)
            latest = latest.model_copy(update={"usage": Usage.total([before, latest.usage])})
            spent += seconds
            scored = latest.state is CritiqueState.SCORED
            error = None if scored else latest.reasoning
            call = Call(_CALL_STATE[latest.state], latest.model_dump_json(), error, seconds)
            await self.record("critique", index, digest, call)
            if scored:
                break
            failures += 1
            if retryable and failures <= self.settings.retries:
                self.retrying(f"the thinker gave no usable critique, asking again: {latest.reasoning}")
        return latest, spent

    async def _critique_once(
        self, thinker: Thinker, request: CritiqueRequest
    ) -> tuple[Critique, bool, Outcome]:
        """(critique, whether asking again could help, what became of the call)."""
        limit = self.settings.critique_timeout
        failed = CritiqueState.FAILED
        try:
            critique = critique_in(await self._in_time(limit, lambda _: thinker.critique(request)))
            return critique, True, _CALL_STATE[critique.state]
        except AnswerError as error:
            unread = CritiqueState.UNPARSEABLE
            critique = Critique(state=unread, reasoning=str(error), raw=error.raw, usage=error.usage)
            return critique, True, "unparseable"
        except ThinkerFailed as error:
            return Critique(state=failed, reasoning=str(error)), error.retryable, "failed"
        except (LedgerError, StoreError, NotFoundError, NeedsCaller):
            raise
        except TooLate:
            why = f"the thinker gave no answer within {limit:g} s"
            return Critique(state=failed, reasoning=why), True, "late"
        except Exception as error:
            log.exception("thinker %s raised an error that its contract does not name", thinker.identity)
            return Critique(state=failed, reasoning=in_one_line(error)), True, "failed"

    async def text(self, role: Role, model: str, digest: str, ask: Callable[[], Awaitable[str]]) -> str:
        """A recorded call that answers with text (plan, refine, compare). Raises ThinkerFailed.

        model: the identity of the one that is asked.
        """
        who = "refiner" if role == "refine" else "thinker"
        done, failed = await self.ledger.recorded(self.session_id, role, self.turn, 0, digest)
        if done is not None:
            self.told(role, model, "ok", done.seconds, len(failed) + 1, replayed=True)
            return done.output
        failures = len(failed)
        if failures > self.settings.retries:
            raise ThinkerFailed(failed[-1].error or f"the {who} failed to {role}")
        while True:
            await self.back_off(failures)
            started = time.monotonic()
            try:
                answer = text_in(await self._in_time(self.settings.critique_timeout, lambda _: ask()))
            except (LedgerError, StoreError, NotFoundError, NeedsCaller):
                raise
            except Exception as error:
                message = str(error) if isinstance(error, ThinkEditError) else in_one_line(error)
                if isinstance(error, TooLate):
                    message = f"the {who} gave no answer within {self.settings.critique_timeout:g} s"
                call = Call("failed", "", message, time.monotonic() - started)
                self.told(role, model, outcome_of(error), call.seconds, failures + 1)
                await self.record(role, 0, digest, call)
                failures += 1
                if not getattr(error, "retryable", True) or failures > self.settings.retries:
                    raise ThinkerFailed(message) from error
                self.retrying(f"the {who} failed to {role}, asking again: {message}")
                continue
            call = Call("ok", answer, None, time.monotonic() - started)
            self.told(role, model, "ok", call.seconds, failures + 1)
            await self.record(role, 0, digest, call)
            return answer

    def told(
        self,
        role: Role,
        model: str,
        outcome: Outcome,
        seconds: float,
        attempt: int,
        *,
        began: float | None = None,
        replayed: bool = False,
        usage: Usage | None = None,
    ) -> None:
        """Tell the watcher of one call. began: where that is not `seconds` ago."""
        if self.watcher is UNWATCHED:
            return
        began = time.time() - (0.0 if replayed else seconds) if began is None else began
        self.watcher.called(
            ModelCall(
                role, model, self.session_id, self.turn, outcome, seconds, began, attempt, replayed, usage
            )
        )

    async def record(
        self, role: str, index: int, digest: str, call: Call, image: Image | None = None
    ) -> None:
        await self.ledger.record(self.session_id, role, self.turn, index, digest, call, image)

    async def back_off(self, failures: int) -> None:
        if failures and self.settings.backoff:
            async with away():
                await anyio.sleep(min(self.settings.backoff * 2 ** (failures - 1), LONGEST_BACKOFF))

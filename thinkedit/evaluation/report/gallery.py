"""The samples on which the loop gained most and lost most, with their turns."""

from __future__ import annotations

from collections.abc import Sequence

from thinkedit.evaluation.records import TurnResult
from thinkedit.evaluation.report.arms import Arm, Change
from thinkedit.evaluation.report.document import (
    Block,
    Case,
    CaseTurn,
    Gallery,
    Heading,
    Paragraph,
    number,
    signed,
)
from thinkedit.evaluation.report.pictures import kept

__all__ = ["gallery"]

_CASES = 4
_TURNS = 5
_WORDS = 240


def gallery(arms: Sequence[Arm], cases: int = _CASES) -> list[Block]:
    """The `cases` best and worst of all arms, no sample twice in one of the two."""
    changes = [(arm, change) for arm in arms for change in arm.changes()]
    best = _chosen(sorted(changes, key=lambda one: (-one[1].gain, one[1].result.sample)), cases)
    last = _chosen(sorted(changes, key=lambda one: (one[1].gain, one[1].result.sample)), cases)
    up = [one for one in best if one[1].gain > 0]
    down = [one for one in last if one[1].gain < 0]
    blocks: list[Block] = [Heading("Best and worst cases")]
    blocks.append(Heading("Where the loop gained most", 3))
    blocks += [Gallery("best", [_case(*one) for one in up])] if up else [Paragraph("It gained nowhere.")]
    blocks.append(Heading("Where the loop lost most", 3))
    blocks += [Gallery("worst", [_case(*one) for one in down])] if down else [Paragraph("It lost nowhere.")]
    return blocks if changes else []


def _chosen(ranked: Sequence[tuple[Arm, Change]], cases: int) -> list[tuple[Arm, Change]]:
    found: dict[str, tuple[Arm, Change]] = {}
    for arm, change in ranked:
        if len(found) < cases:
            found.setdefault(change.result.sample, (arm, change))
    return list(found.values())


def _case(arm: Arm, change: Change) -> Case:
    result, store = change.result, change.run.folder.store
    turns = [turn for turn in result.turns if turn.turn <= change.turn]
    if len(turns) > _TURNS:  # the first, and those that lead to the result
        turns = [turns[0], *turns[1 - _TURNS :]]
    return Case(
        title=(
            f"{result.sample} ({result.group}), {arm.label}, seed {change.run.info.settings.seed}: "
            f"{number(change.first)} to {number(change.last)} ({signed(change.gain)})"
        ),
        instruction=_short(result.instruction),
        source=kept(store, result.source),
        turns=[_turn(change, turn) for turn in turns],
    )


def _turn(change: Change, turn: TurnResult) -> CaseTurn:
    score = change.run.by_turn.get((change.result.sample, turn.turn))
    judged = None if score is None else score.overall
    title = f"turn {turn.turn}{', the result' if turn.turn == change.turn else ''}: judge {number(judged)}"
    if turn.overall is not None:
        title += f", thinker {number(turn.overall, 1)}"
    told = [f"Prompt: {_short(turn.prompt)}"]
    told += [f"Thinker: {_short(turn.reasoning)}"] if turn.reasoning else []
    told += ["(said stop)"] if turn.stop else []
    told += [f"Failed: {_short(turn.error)}"] if turn.error else []
    return CaseTurn(title, " ".join(told), kept(change.run.folder.store, turn.image))


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _WORDS else f"{plain[: _WORDS - 1]}…"

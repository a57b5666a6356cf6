"""The best turn of a session, and the sentences that say why it ended and why that turn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from thinkedit.adapters.base import Comparer, CompareRequest, identity_of
from thinkedit.errors import ThinkerFailed
from thinkedit.graph.stopping import best_turn, why_selected
from thinkedit.graph.together import together
from thinkedit.graph.turns import TurnInHand, Workbench
from thinkedit.images import Picture
from thinkedit.ledger import Session
from thinkedit.types import Select, StopReason, TurnRecord

__all__ = ["select", "why_stopped"]

_AT_ONCE = (StopReason.CANCELLED, StopReason.STOPPED_BY_CALLER, StopReason.THINKER_FAILED)
"""Ends after which the thinker is not asked to compare."""


async def select(
    bench: Workbench, turn: TurnInHand, records: list[TurnRecord], reason: StopReason
) -> tuple[TurnRecord | None, str]:
    """(the turn to return, why). With `pairwise` the two best are compared in both orders.

    The thinker compares; where it cannot, a separate refiner that can.
    """
    best = best_turn(records)
    rest = best_turn([record for record in records if record is not best])
    if (
        turn.settings.select is not Select.PAIRWISE
        or reason in _AT_ONCE
        or best is None
        or rest is None
        or best.image is None
        or rest.image is None
    ):
        return best, why_selected(best, records)
    models: list[object] = [bench.thinker, bench.refiner]
    able = [model for model in models if isinstance(model, Comparer)]
    if not able:
        return (
            best,
            f"The thinker cannot compare two images, so scores decided. {why_selected(best, records)}",
        )
    comparer = able[0]
    identity = identity_of(comparer)
    source = await bench.picture(turn.session.source)
    first, second = await bench.picture(best.image), await bench.picture(rest.image)

    async def prefer(one: Picture, two: Picture) -> str:
        request = CompareRequest(source, one, two, turn.session.instruction)
        digest = f"{identity} {source.sha256} {one.sha256} {two.sha256}"

        async def ask() -> str:
            return str((await comparer.compare(request)).better)

        return await turn.calls.text("compare", identity, digest, ask)

    try:
        answers = await together([partial(prefer, first, second), partial(prefer, second, first)])
    except ThinkerFailed as error:
        return best, f"The comparison failed ({error}), so the higher score decided: turn {best.turn}."
    if answers == ["2", "1"]:
        return rest, f"Turn {rest.turn} was preferred to turn {best.turn} in both orders."
    if answers == ["1", "2"]:
        return best, f"Turn {best.turn} was preferred to turn {rest.turn} in both orders."
    return best, f"Both orders of comparison disagree, so the higher score decided: turn {best.turn}."


def why_stopped(reason: StopReason, session: Session, records: Sequence[TurnRecord]) -> str:
    """One sentence on why the loop ended. A node that failed has written its own already."""
    settings = session.settings
    last = records[-1] if records else None
    match reason:
        case StopReason.SATISFIED:
            if last is None or last.critique is None or last.critique.semantic is None:
                return "The thinker is satisfied."
            scores = f"{last.critique.semantic:.1f} and {last.critique.quality:.1f}"
            return f"Both scores of turn {last.turn}, {scores}, reach {settings.threshold:g}."
        case StopReason.MAX_TURNS:
            turns = len(records)
            return f"The limit of {turns} turn{'s' if turns != 1 else ''} was reached."
        case StopReason.PLATEAU:
            return f"The last {settings.patience} turns brought no better image."
        case StopReason.BUDGET:
            return "The budget of model time or calls is used up."
        case StopReason.STOPPED_BY_CALLER:
            return "The caller stopped it."
        case StopReason.CANCELLED:
            return "It was cancelled."
        case _:
            return session.why

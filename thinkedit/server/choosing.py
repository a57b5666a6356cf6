"""A person chooses between the two best results, where their host can ask them (MCP elicitation)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from mcp.server.elicitation import render_elicitation_schema
from mcp.server.mcpserver import Context
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field, create_model

from thinkedit.errors import ActionError
from thinkedit.types import EditResult, Turn

__all__ = ["best_two", "person_chooses"]

_ASKED = "better"
_IN_ROUNDS = "2026-07-28"
"""From this revision on a server asks by returning its question, and is called again with the answer."""


def best_two(result: EditResult) -> tuple[Turn, Turn]:
    """The selected turn and the best of the others. ActionError where there are no two with an image."""
    made = [turn for turn in result.turns if turn.image is not None]
    made.sort(key=lambda turn: (turn.turn != result.selected_turn, -_overall(turn), turn.turn))
    if len({turn.image.uri for turn in made[:2] if turn.image}) < 2:
        raise ActionError(
            f"session {result.session_id} has no two pictures to choose between: give the argument turn"
        )
    return made[0], made[1]


async def person_chooses(
    ctx: Context[Any, Any], result: EditResult, where: str
) -> int | InputRequiredResult | None:
    """The turn that the person takes, None where they take none, or the question to be returned.

    where: how the pictures can be looked at. ActionError where the host cannot ask.
    """
    client = ctx.client_capabilities
    able = client.elicitation if client is not None else None
    if able is None or (able.form is None and able.url is not None):
        raise ActionError(
            "this host cannot ask a person (it has no form elicitation): ask them yourself, and give turn"
        )
    pair = best_two(result)
    message, schema = _question(result, pair, where), _schema(pair)
    if ctx.protocol_version is None or not is_version_at_least(ctx.protocol_version, _IN_ROUNDS):
        outcome = await ctx.elicit(message, schema)
        return _turn_of(getattr(outcome, "data", None), pair)  # without data where they declined
    answer = (ctx.input_responses or {}).get(_ASKED)
    if answer is None:
        form = ElicitRequestFormParams(message=message, requested_schema=render_elicitation_schema(schema))
        return InputRequiredResult(input_requests={_ASKED: ElicitRequest(params=form)})
    if not isinstance(answer, ElicitResult) or answer.action != "accept":
        return None
    return _turn_of((answer.content or {}).get(_ASKED), pair)


def _schema(pair: Sequence[Turn]) -> type[BaseModel]:
    names = Literal[tuple(_name(turn) for turn in pair)]  # type: ignore[valid-type]  # known when asked
    fields: Any = {_ASKED: (names, Field(title="The better result"))}
    return create_model("Choice", **fields)


def _question(result: EditResult, pair: Sequence[Turn], where: str) -> str:
    lines = [f"Which result is better for: {_short(result.instruction)}"]
    lines += [f"{_name(turn)} (overall {_overall(turn):.1f} of 10): {_short(turn.prompt)}" for turn in pair]
    return "\n".join([*lines, where])


def _turn_of(chosen: object, pair: Sequence[Turn]) -> int | None:
    name = getattr(chosen, _ASKED, chosen)
    return next((turn.turn for turn in pair if _name(turn) == name), None)


def _name(turn: Turn) -> str:
    return f"turn {turn.turn}"


def _overall(turn: Turn) -> float:
    return (turn.critique.overall if turn.critique is not None else None) or 0.0


def _short(text: str, length: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."

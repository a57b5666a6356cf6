"""The arguments of the tools as agents are told of them: types, ranges and a line on each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from thinkedit.tools.think import LONGEST_WAIT
from thinkedit.tools.think import Action as AnyAction
from thinkedit.types import LoopSettings

__all__ = [
    "Action",
    "AskPerson",
    "Asked",
    "BudgetSeconds",
    "Candidates",
    "CritiquePrompt",
    "Edited",
    "EditorName",
    "Instruction",
    "Mode",
    "MoreTurns",
    "NextPrompt",
    "OfSession",
    "OfTurn",
    "OneTurn",
    "Original",
    "PassSeed",
    "Passes",
    "Pause",
    "Picture",
    "Quality",
    "Reasoning",
    "RefinerName",
    "Seed",
    "Select",
    "Semantic",
    "SessionId",
    "ThinkerName",
    "Threshold",
    "Told",
    "Turns",
    "WaitSeconds",
]

USUAL_WAIT = 45.0
"""Seconds: hosts give up on a call after a minute."""


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
Pause = Annotated[
    Literal["never", "turn"] | None,
    Field(description="`turn`: return after each turn and wait for continue_edit; usually `never`"),
]
WaitSeconds = Annotated[
    float,
    Field(
        ge=0,
        le=LONGEST_WAIT,
        description="return with status `running` when it takes longer; collect with action `wait`",
    ),
]
Action = Annotated[AnyAction, Field(description="what to do, see above")]
MoreTurns = Annotated[int | None, Field(ge=1, le=12, description="how many turns more there may be")]
NextPrompt = Annotated[
    str | None, Field(description="for prompt, go_on and fork: what to tell the editor next")
]
OneTurn = Annotated[
    int | None,
    Field(
        ge=1,
        description="for pick and fork: which turn; for critique: the turn it is of, refused where that is "
        "not the newest any more",
    ),
]
Semantic = Annotated[
    float | None,
    Field(ge=0, le=10, description="for critique: was the instruction followed, and the rest kept"),
]
Quality = Annotated[float | None, Field(ge=0, le=10, description="for critique: natural and free of damage")]
Reasoning = Annotated[str | None, Field(max_length=8000, description="for critique: what is wrong, and why")]
CritiquePrompt = Annotated[
    str | None,
    Field(
        max_length=4000,
        description="for critique: what to tell the editor next; may be left out where both scores are good "
        "enough",
    ),
]
AskPerson = Annotated[
    bool,
    Field(
        description="for pick, instead of turn: where the host can, have the person choose of the best two"
    ),
]

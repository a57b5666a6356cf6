"""The words of the domain as pydantic models; imports nothing of ours.

A *source* image and an *instruction* open a *session*. Each *turn* gives the editor a *prompt* and
gets images back; a *critique* scores the turn's image (semantic and quality, 0-10, as VIEScore and
EditScore do) and proposes the next prompt. See the EditThinker paper (arXiv 2512.05965), section 3.
"""

from thinkedit.types.judging import Judgement
from thinkedit.types.records import CandidateRecord, SessionRecord, TurnRecord
from thinkedit.types.results import Candidate, CritiqueView, EditResult, Event, Image, Next, Seconds, Turn
from thinkedit.types.words import (
    Answer,
    CallerCritique,
    Critique,
    CritiqueState,
    LoopSettings,
    Mode,
    Preservation,
    Score,
    Select,
    Status,
    StopReason,
    Usage,
    overall_score,
)

__all__ = [
    "Answer",
    "CallerCritique",
    "Candidate",
    "CandidateRecord",
    "Critique",
    "CritiqueState",
    "CritiqueView",
    "EditResult",
    "Event",
    "Image",
    "Judgement",
    "LoopSettings",
    "Mode",
    "Next",
    "Preservation",
    "Score",
    "Seconds",
    "Select",
    "SessionRecord",
    "Status",
    "StopReason",
    "Turn",
    "TurnRecord",
    "Usage",
    "overall_score",
]

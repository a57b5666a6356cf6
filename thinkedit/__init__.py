"""Image editors that think while they edit: a loop of edit, critique and refine.

    from thinkedit import think_edit
    result = await think_edit("photo.jpg", "make it warmer")
    result.save("warmer.jpg")

Names are loaded when they are first asked for, so that `import thinkedit` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thinkedit.adapters.base import (
        CritiqueRequest,
        EditedImage,
        Editor,
        EditRequest,
        SafetyRequest,
        SafetyVerdict,
        Thinker,
    )
    from thinkedit.adapters.editors.scripted import ScriptedEditor
    from thinkedit.adapters.models import Models
    from thinkedit.adapters.thinkers.scripted import ScriptedThinker
    from thinkedit.config import Config, load_config
    from thinkedit.errors import ThinkEditError, UnsupportedEdit
    from thinkedit.graph.build import create_think_edit_graph
    from thinkedit.graph.runner import Runner, open_runner
    from thinkedit.graph.streaming import Waiting, stream_edit
    from thinkedit.images import Picture
    from thinkedit.ledger import Ledger
    from thinkedit.store import Store
    from thinkedit.tools import (
        continue_edit,
        critique_image,
        edit_image,
        refine_instruction,
        think_edit,
        think_edit_sync,
    )
    from thinkedit.tools.graph import default_graph
    from thinkedit.tools.jobs import Job, read_jobs
    from thinkedit.tools.many import JobResult, edit_many
    from thinkedit.types import Critique, EditResult, Event, LoopSettings, TurnRecord

__version__ = "0.1.0"

_WHERE = {
    "thinkedit.adapters.base": (
        "CritiqueRequest",
        "EditRequest",
        "EditedImage",
        "Editor",
        "SafetyRequest",
        "SafetyVerdict",
        "Thinker",
    ),
    "thinkedit.adapters.editors.scripted": ("ScriptedEditor",),
    "thinkedit.adapters.models": ("Models",),
    "thinkedit.adapters.thinkers.scripted": ("ScriptedThinker",),
    "thinkedit.config": ("Config", "load_config"),
    "thinkedit.errors": ("ThinkEditError", "UnsupportedEdit"),
    "thinkedit.graph.build": ("create_think_edit_graph",),
    "thinkedit.graph.runner": ("Runner", "open_runner"),
    "thinkedit.graph.streaming": ("Waiting", "stream_edit"),
    "thinkedit.images": ("Picture",),
    "thinkedit.ledger": ("Ledger",),
    "thinkedit.store": ("Store",),
    "thinkedit.tools": (
        "continue_edit",
        "critique_image",
        "edit_image",
        "refine_instruction",
        "think_edit",
        "think_edit_sync",
    ),
    "thinkedit.tools.jobs": ("Job", "read_jobs"),
    "thinkedit.tools.many": ("JobResult", "edit_many"),
    "thinkedit.tools.graph": ("default_graph",),
    "thinkedit.types": ("Critique", "EditResult", "Event", "LoopSettings", "TurnRecord"),
}
_HOME = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "Config",
    "Critique",
    "CritiqueRequest",
    "EditRequest",
    "EditResult",
    "EditedImage",
    "Editor",
    "Event",
    "Job",
    "JobResult",
    "Ledger",
    "LoopSettings",
    "Models",
    "Picture",
    "Runner",
    "SafetyRequest",
    "SafetyVerdict",
    "ScriptedEditor",
    "ScriptedThinker",
    "Store",
    "ThinkEditError",
    "Thinker",
    "TurnRecord",
    "UnsupportedEdit",
    "Waiting",
    "continue_edit",
    "create_think_edit_graph",
    "critique_image",
    "default_graph",
    "edit_image",
    "edit_many",
    "load_config",
    "open_runner",
    "read_jobs",
    "refine_instruction",
    "stream_edit",
    "think_edit",
    "think_edit_sync",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'thinkedit' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""The tools as typed async functions; no MCP and no LangChain inside."""

from thinkedit.tools.looking import CritiqueResult, RefinedResult, critique_image, refine_instruction
from thinkedit.tools.single import EditedResult, edit_image
from thinkedit.tools.think import ACTIONS, Action, continue_edit, think_edit, think_edit_sync

__all__ = [
    "ACTIONS",
    "Action",
    "CritiqueResult",
    "EditedResult",
    "RefinedResult",
    "continue_edit",
    "critique_image",
    "edit_image",
    "refine_instruction",
    "think_edit",
    "think_edit_sync",
]

"""Step samples in the layouts that published training code reads.

`sft_train.json` is LLaMA-Factory's sharegpt form: a list of `{messages: [user, assistant], images: [source,
edited]}`, two `<image>` markers at the head of the user's text. `rl_train.jsonl` has for each step the
columns origin_prompt (T_s), rewritten_prompt (T_t), origin_image_path, edited_image_path and evaluation
{semantics, quality}. The user's text is the loop's own prompt and the assistant's in the loop's own grammar,
both by `adapters.protocol`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from thinkedit.adapters.base import CritiqueRequest
from thinkedit.adapters.protocol import Template, render
from thinkedit.dataset.sampling import MARKER

__all__ = ["HEAD", "rl_row", "sft_row", "user_text"]

HEAD = f"{MARKER}\n{MARKER}\n"

_INSTRUCTION, _PROMPT = "\ue000i\ue001", "\ue000p\ue001"
"""Private-use characters, which stand in no template."""


def user_text(template: Template | None = None, threshold: float = 8.0) -> Callable[[str, str], str]:
    """A function of (T_s, T_t): what `protocol.render` gives for them without history.

    The template is filled once: of a hundred thousand samples only these two differ.
    """
    nothing = cast(Any, None)  # the pictures travel apart and are not looked at
    text = render(
        CritiqueRequest(
            source=nothing, edited=nothing, instruction=_INSTRUCTION, prompt=_PROMPT, threshold=threshold
        ),
        template,
    )
    pieces = [piece.split(_PROMPT) for piece in text.split(_INSTRUCTION)]

    def filled(instruction: str, prompt: str) -> str:
        return instruction.join(prompt.join(piece) for piece in pieces)

    return filled


def sft_row(text: str, target: str, source: str, image: str) -> dict[str, Any]:
    """text: of the user, without markers; target: of the assistant."""
    return {
        "messages": [
            {"role": "user", "content": HEAD + text},
            {"role": "assistant", "content": target},
        ],
        "images": [source, image],
    }


def rl_row(
    *, instruction: str, prompt: str, source: str, image: str, semantic: float, quality: float
) -> dict[str, Any]:
    return {
        "origin_prompt": instruction,
        "rewritten_prompt": prompt,
        "origin_image_path": source,
        "edited_image_path": image,
        # `semantics` here and `semantic` in the thinker's answer: the published code has both.
        "evaluation": {"semantics": semantic, "quality": quality},
    }

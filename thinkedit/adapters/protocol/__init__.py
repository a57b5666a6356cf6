"""What a thinker is told and how its answer is read: the prompt and the <think>/<score>/<answer> grammar.

Grammar (paper, section 3.2): `<think>reasoning</think>`, `<score>{"semantic": n, "quality": n}</score>`,
`<answer>next prompt</answer>`, the scores 0-10 of the edited image that was shown.
"""

from thinkedit.adapters.protocol.answer import (
    MAX_ANSWER,
    MAX_PROMPT,
    parse_answer,
    parse_expert_answer,
    parse_plan,
    parse_preference,
    parse_safety,
    render_critique,
)
from thinkedit.adapters.protocol.asking import (
    render_compare,
    render_correction,
    render_plan,
    render_refine,
    render_safety,
)
from thinkedit.adapters.protocol.scores import RANGES
from thinkedit.adapters.protocol.template import (
    DEFAULT_TEMPLATE,
    Template,
    render,
    template_for,
)

__all__ = [
    "DEFAULT_TEMPLATE",
    "MAX_ANSWER",
    "MAX_PROMPT",
    "RANGES",
    "Template",
    "parse_answer",
    "parse_expert_answer",
    "parse_plan",
    "parse_preference",
    "parse_safety",
    "render",
    "render_compare",
    "render_correction",
    "render_critique",
    "render_plan",
    "render_refine",
    "render_safety",
    "template_for",
]

"""Text, tokens and the reason for stopping, out of the message that came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thinkedit.adapters.secrets import scrub
from thinkedit.adapters.thinkers.chat.faults import Refused
from thinkedit.adapters.thinkers.chat.settings import ChatSettings
from thinkedit.types import Usage

__all__ = ["Answer", "read"]

_CUT = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"}
)
_REFUSED = frozenset(
    {
        "refusal", "content_filter", "content_filtered", "safety", "prohibited_content", "blocklist", "spii",
        "recitation", "image_safety", "image_prohibited_content", "guardrail_intervened",
    }
)  # fmt: skip

LONGEST = 300


@dataclass(frozen=True)
class Answer:
    """text: as the model wrote it; reasoning: what it thought apart from it; problem: why it is no answer."""

    text: str
    usage: Usage | None = None
    reasoning: str = ""
    problem: str = ""


def read(message: Any, settings: ChatSettings, where: str, reasoning: str = "") -> Answer:
    """The answer in a LangChain message. Raises Refused where the model refused."""
    facts: Mapping[str, Any] = message.response_metadata or {}
    text = str(message.text)
    reason = _reason(facts)
    refusal = _refusal(message, facts, reason)
    if refusal is not None:
        told = scrub(" ".join(refusal.split())[:LONGEST], *settings.secrets)
        raise Refused(f"{settings.what} at {where} refused to answer" + (f": {told}" if told else ""))
    reasoning = reasoning or _thinking(message)
    problem = ""
    if reason.lower() in _CUT:
        problem = f"the answer was cut off at max_tokens = {settings.max_tokens} ({reason}): raise max_tokens"
        if not text.strip():
            problem += ", since the model had spent them all on thinking"
    elif not text.strip():
        problem = "the answer is empty" + (f" ({reason})" if reason else "")
    return Answer(text, _usage(message), reasoning, problem)


def _reason(facts: Mapping[str, Any]) -> str:
    """Why the model stopped, in the provider's own word."""
    for name in ("finish_reason", "stop_reason", "done_reason"):
        if isinstance(facts.get(name), str) and facts[name]:
            return str(facts[name])
    incomplete = facts.get("incomplete_details")
    if isinstance(incomplete, Mapping):
        return str(incomplete.get("reason") or "")
    return ""


def _refusal(message: Any, facts: Mapping[str, Any], reason: str) -> str | None:
    said = message.additional_kwargs.get("refusal")
    if isinstance(said, str) and said.strip():
        return said
    if isinstance(message.content, list):
        for block in message.content:
            if isinstance(block, Mapping) and block.get("type") == "refusal":
                return str(block.get("refusal") or "")
    feedback = facts.get("prompt_feedback")
    if isinstance(feedback, Mapping) and feedback.get("block_reason"):
        blocked = feedback["block_reason"]
        words = feedback.get("block_reason_message") or ""
        return f"the prompt was blocked, {getattr(blocked, 'name', blocked)} {words}".strip()
    if reason.lower() in _REFUSED:
        details = facts.get("stop_details")
        words = details.get("explanation") if isinstance(details, Mapping) else None
        return (
            f"it stopped with {reason}" + (f", {words}" if words else f" {str(message.text)[:120]}").rstrip()
        )
    return None


def _thinking(message: Any) -> str:
    blocks = getattr(message, "content_blocks", None) or []
    thoughts = [
        str(block.get("reasoning") or "")
        for block in blocks
        if isinstance(block, Mapping) and block.get("type") == "reasoning"
    ]
    return "\n\n".join(thought for thought in thoughts if thought)


def _usage(message: Any) -> Usage | None:
    counted = message.usage_metadata
    if not counted:
        return None
    return Usage(
        input_tokens=max(0, int(counted.get("input_tokens") or 0)),
        output_tokens=max(0, int(counted.get("output_tokens") or 0)),
    )

"""Results as short text, for hosts that show a model nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thinkedit.types import CritiqueView, EditResult, Image, Preservation, Status, Turn, Usage

if TYPE_CHECKING:
    from thinkedit.tools import CritiqueResult, EditedResult, RefinedResult

__all__ = ["of_critique", "of_edited", "of_refined", "of_session"]


_YOURS = (
    "It waits for your critique. You should see two pictures with this text, source and result. If not, "
    "this host drops pictures, and you cannot be the thinker: start again without thinker='host'."
)
_OTHERWISE = (
    "Other actions: prompt (your own next prompt), critique (your own scores and next prompt), pick or fork "
    "(with turn), stop."
)


def of_session(result: EditResult, *, note: str = "", download: str = "") -> str:
    reason = f" ({result.stop_reason.value})" if result.stop_reason else ""
    lines = [f"Session {result.session_id}: {result.status.value}{reason}. {_line(result.why, 400)}".rstrip()]
    lines += [_turn(turn) for turn in result.turns]
    newest = next((turn.image for turn in reversed(result.turns) if turn.image is not None), None)
    if result.image is None or newest is None:
        lines.append("There is no picture yet.")
    elif result.status in (Status.RUNNING, Status.PAUSED):
        lines.append(
            f"Newest picture: {_picture(newest, download)}. Best so far: turn {result.selected_turn}."
        )
    else:
        lines.append(f"Result: turn {result.selected_turn}, {_picture(result.image, download)}.")
    lines += [note] if note else []
    lines += _tokens(Usage.total(turn.usage for turn in result.turns))
    return "\n".join([*lines, *_what_follows(result)])


def _what_follows(result: EditResult) -> list[str]:
    if result.status is Status.RUNNING:
        return [
            "It is not finished: continue_edit(session_id, action='wait') goes on with it and collects the "
            "result."
        ]
    if result.next is None:
        return []
    if result.next.action == "critique":
        return [_YOURS, result.next.prompt, _OTHERWISE]
    call = f"continue_edit(session_id, action='{result.next.action}')"
    lines = [f"{call} would try: {_line(result.next.prompt, 300)}"]
    return [*lines, _OTHERWISE] if result.status is Status.PAUSED else lines


def of_edited(result: EditedResult, *, note: str = "", download: str = "") -> str:
    lines = [
        f"Edited by {result.editor} in {result.seconds:.1f} s, not judged: {_line(result.prompt, 300)}",
        f"Result: {_picture(result.image, download)}.",
    ]
    return "\n".join([*lines, *(_line(text, 400) for text in (result.notes, note) if text)])


def of_critique(result: CritiqueResult) -> str:
    verdict = "good enough" if result.satisfied else "not good enough"
    scores = _scores(result.semantic, result.quality, result.overall)
    kept = _kept(result.preservation)
    text = f"{scores}: {verdict}, by {result.thinker}. {_line(result.reasoning, 1500)}{kept}"
    return "\n".join([text, *_tokens(result.usage)])


def of_refined(result: RefinedResult) -> str:
    if not result.prompt:
        return f"There is no next prompt: {_line(result.why, 1500)}"
    done = " The picture is good enough as it is." if result.satisfied else ""
    return f"Next prompt: {_line(result.prompt, 4000)}\nWhy: {_line(result.why, 1500)}{done}"


def _turn(turn: Turn) -> str:
    head = f"Turn {turn.turn}"
    if turn.critique is not None and turn.error is None:
        critique = turn.critique
        head += f": {_scores(critique.semantic, critique.quality, critique.overall)}{_state(critique)}"
    said = turn.error or (turn.critique.reasoning if turn.critique is not None else "not judged")
    return f"{head}. Prompt: {_line(turn.prompt, 200).rstrip('.')}. {_line(said, 400)}"


def _state(critique: CritiqueView) -> str:
    return "" if critique.state.value == "scored" else f" ({critique.state.value})"


def _scores(semantic: float | None, quality: float | None, overall: float | None) -> str:
    if semantic is None or quality is None:
        return "no scores"
    return f"semantic {semantic:g}, quality {quality:g}, overall {overall or 0.0:.1f} of 10"


def _picture(image: Image, download: str) -> str:
    where = f", written to {image.path}" if image.path else ""
    where += f", download: {download}" if download else ""
    return f"{image.width} x {image.height} pixels, {image.mime_type}, {image.uri}{where}"


def _tokens(usage: Usage | None) -> list[str]:
    if usage is None:
        return []
    return [f"Critiques took {usage.input_tokens:,} tokens in and {usage.output_tokens:,} out."]


def _kept(preservation: Preservation | None) -> str:
    if preservation is None or preservation.outside_delta_e is None:
        return ""
    return f" Outside the edited region the colours moved by {preservation.outside_delta_e:.1f} (CIEDE2000)."


def _line(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."

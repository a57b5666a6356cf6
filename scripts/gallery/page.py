"""docs/gallery.md: the sheets, a table for each photograph, and what all of it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gallery.remarks import REMARKS
from gallery.sessions import Entry, Shot

__all__ = ["EVEN", "page", "summary"]

EVEN = 0.02
"""Differences of the yardstick's error up to this are called even."""

HEAD = """# Gallery

What the built-in pair makes of the five photographs in `examples/photos`: the `photo` editor and the
`measured` thinker with default settings, left to themselves. This page and its pictures are made by

```sh
make gallery
```

from the instructions in [`scripts/gallery/cases.py`](../scripts/gallery/cases.py). On a sheet, a green
frame is the turn that was selected; the line shows the overall score over turns (0 to 10, dashed: the
threshold, 8).
"""

YARDSTICK = """## The second yardstick

The thinker measures in CIELAB, by Laplacians, the structure term of SSIM, CIEDE2000 and phase
correlation. To see whether its later turns help, results are also measured by other means: light in
stops, the ratio of red to blue light, HSV chroma, Oklab, Sobel gradients and their directions, the
Fourier spectrum, matched features, and places drawn by hand ([`tones.py`](../scripts/gallery/tones.py),
[`shapes.py`](../scripts/gallery/shapes.py), [`places.py`](../scripts/gallery/places.py)).

What each instruction should come to stands in [`targets.py`](../scripts/gallery/targets.py), each band
with a sentence why, and was written down before the first run. The *error* of a picture is 0 where it
lies inside every band and nothing is damaged; 1 is as wrong as the bands can tell, and damage adds to
it. It is another yardstick, not a person: it has no eye for beauty, and its bands are one reading of
plain words. Its bands are wide; the *distance* is finer and counts amounts by how far they lie from the
middle of their band (at its end: 1).

After the first run, faults of the yardstick itself were mended; no band was widened to fit a result.
Light that one wish of a sentence moves is no longer held against another wish that says nothing about
it. White paper in a drawing is not called burnt. “One stop” is read where the photograph has room for a
stop. A corner that was flat black in the source is not called empty. A rim counts as white from 240 of
255, not from 245.
"""


def page(entries: Mapping[str, Sequence[Entry]]) -> str:
    """The whole page; entries by photograph, in order."""
    parts = [HEAD, summary([e for some in entries.values() for e in some])]
    for photo, some in entries.items():
        parts.append(f"## {photo}\n\n![All turns on {photo}](images/gallery-{photo}.jpg)\n\n{_table(some)}")
    parts.append(YARDSTICK)
    return "\n".join(parts)


def _scores(shots: Iterable[Shot]) -> str:
    return " → ".join("–" if shot.overall is None else f"{shot.overall:.1f}" for shot in shots)


def _errors(entry: Entry) -> str:
    return " → ".join("–" if shot.error is None else f"{shot.error:.2f}" for shot in entry.shots)


def _reason(entry: Entry) -> str:
    if entry.refused:
        return "refused"
    return (entry.stop_reason.value if entry.stop_reason else "").replace("_", " ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _table(entries: Sequence[Entry]) -> str:
    lines = [
        "| instruction | turns | scores | error | ended | later prompts |",
        "|---|---|---|---|---|---|",
    ]
    for entry in entries:
        turns = "" if entry.refused else f"{entry.selected} of {len(entry.shots)}"
        prompts = "<br>".join(f"{shot.turn}: {_cell(shot.prompt)}" for shot in entry.shots[1:])
        lines.append(
            f"| {_cell(entry.case.instruction)} | {turns} | {_scores(entry.shots)} | {_errors(entry)} "
            f"| {_reason(entry)} | {prompts} |"
        )
    return "\n".join(lines) + "\n"


def _share(part: Sequence[object], whole: Sequence[object]) -> str:
    return f"{len(part)} of {len(whole)} ({100 * len(part) / max(len(whole), 1):.0f} %)"


def _name(entry: Entry) -> str:
    return f"*{entry.photo}*, “{entry.case.instruction}”"


def _list(lines: Sequence[str], none: str) -> str:
    return "\n".join(f"- {line}" for line in lines) if lines else none


def summary(entries: Sequence[Entry]) -> str:
    """The figures: satisfied at turn 1 and in the end, what later turns gained, what went wrong."""
    run = [e for e in entries if not e.refused]
    refused = [e for e in entries if e.refused]
    done = [e for e in run if _reason(e) == "satisfied"]
    at_once = [e for e in done if len(e.shots) == 1]
    left = [e for e in run if _reason(e) != "satisfied"]
    several = [e for e in run if len(e.shots) > 1 and e.gain is not None]
    better = [e for e in several if (e.gain or 0) > EVEN]
    worse = [e for e in several if (e.gain or 0) < -EVEN]
    lines = [
        "## What it comes to",
        "",
        f"{len(entries)} edits of {len({e.photo for e in entries})} photographs were asked for; "
        f"{len(refused)} were refused before any pixel was touched, {len(run)} were run. The instructions "
        "were chosen, among them some on which the first try was known to miss, so the shares are of this "
        "list and no more.",
        "",
        f"- Satisfied at turn 1: {_share(at_once, run)}.",
        f"- Satisfied in the end: {_share(done, run)}.",
        f"- Not satisfied: {_share(left, run)}; all of them are listed below.",
        "",
        "### What later turns gained, by a measure that the thinker does not use",
        "",
        *_gains(several, better, worse),
        "### Made worse by later turns",
        "",
        "By that measure, the selected turn against the first (all cases):",
        "",
        _list([f"{_name(e)}: error {_errors(e)}, turn {e.selected} selected" for e in worse], "None."),
        "",
        "By the thinker's own scores, later turns that fell below an earlier one (they are not returned):",
        "",
        _list([f"{_name(e)}: {_scores(e.shots)}" for e in run if _fell(e)], "None."),
        "",
        "### Ended unsatisfied",
        "",
        _list([f"{_name(e)}: {_reason(e)}. {e.chosen.reasoning}" for e in left], "None."),
        "",
        "### Refused",
        "",
        *(
            f"{text}\n\n" + _list([f"{_name(e)}: {e.refused}" for e in some], "None.") + "\n"
            for text, some in (
                ("As it should be, since the editor cannot do it:", [e for e in refused if e.case.refusal]),
                ("Although a person would expect it to be done:", [e for e in refused if not e.case.refusal]),
            )
        ),
        "### Looked at",
        "",
        "Every picture was looked at. These are the faults seen in pictures that were called satisfactory "
        "(written by hand, in [`remarks.py`](../scripts/gallery/remarks.py)):",
        "",
        _list(_seen(entries), "None."),
        "",
    ]
    return "\n".join(lines)


def _fell(entry: Entry) -> bool:
    scores = [shot.overall for shot in entry.shots if shot.overall is not None]
    return any(later < max(scores[:i]) for i, later in enumerate(scores) if i)


def _seen(entries: Sequence[Entry]) -> list[str]:
    """The remarks, less those on a picture that has changed since (its scores are others now)."""
    known = {(e.photo, e.case.instruction): e for e in entries}
    lines = []
    for photo, instruction, scores, text in REMARKS:
        entry = known[photo, instruction]
        if _scores(entry.shots) == scores:
            lines.append(f"{_name(entry)}: {text}")
        else:
            print(f"look again, {scores} has become {_scores(entry.shots)}: {photo}, {instruction!r}: {text}")
    return lines


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _row(name: str, pairs: Sequence[tuple[float | None, float | None]]) -> str:
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    first, chosen = _mean(a for a, _ in both), _mean(b for _, b in both)
    return f"| {name} | {first:.3f} | {chosen:.3f} | {first - chosen:+.3f} |"


def _gains(several: Sequence[Entry], better: Sequence[Entry], worse: Sequence[Entry]) -> list[str]:
    if not several:
        return ["No session had more than one turn.", ""]
    own = [(e.first.overall, e.chosen.overall) for e in several if e.first.overall and e.chosen.overall]
    even = len(several) - len(better) - len(worse)
    return [
        f"{len(several)} sessions had more than one turn. From turn 1 to the selected turn their means went:",
        "",
        "| | turn 1 | selected | gain |",
        "|---|---|---|---|",
        _row("error (0: inside every band)", [(e.first.error, e.chosen.error) for e in several]),
        _row("distance (0: in the middle)", [(e.first.distance, e.chosen.distance) for e in several]),
        f"| the thinker's overall score | {_mean(a for a, _ in own):.1f} | {_mean(b for _, b in own):.1f} "
        f"| {_mean(b - a for a, b in own):+.1f} |",
        "",
        f"By the error, {len(better)} became better, {even} stayed even (within {EVEN}), {len(worse)} worse.",
        "",
        "Better:",
        "",
        _list([f"{_name(e)}: error {_errors(e)}, turn {e.selected} selected" for e in better], "None."),
        "",
    ]

"""The tables that a run prints, and docs/learning.md with its plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template

from learn import plots
from learn.results import AXES, Measured, difference, mean, rank, share
from learn.runs import ROOT
from thinkedit.evaluation.paper import paper_values
from thinkedit.evaluation.statistics import Comparison, Estimate

__all__ = ["tables", "write"]

Found = Mapping[str, Sequence[Measured]]

SHOWN = {"base": "base", "sft": "SFT", "grpo": "SFT + GRPO"}
PAIRS = (("no thinker", "sft"), ("sft", "grpo"), ("no thinker", "grpo"))
PAGE = ROOT / "docs" / "learning.md"
FORM = Path(__file__).with_name("page.md")


def tables(found: Found, editors: Sequence[str]) -> Iterator[str]:
    """Markdown: the critic, the loop, its differences, and the ablations where there are any."""
    yield from critic_table(found)
    yield ""
    yield from loop_table(found, editors)
    yield ""
    yield from difference_table(found, editors)
    if any(name.startswith("without") for name in found):
        yield ""
        yield from ablation_table(found, editors[0])


def critic_table(found: Found) -> Iterator[str]:
    yield (
        "| thinker | answers that can be read | rank correlation: "
        + " | ".join((*AXES, "the expert's reason", "its prompt", "mean reward"))
        + " |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, measured in _thinkers(found):
        cells = [percent(share(measured, "format"))]
        cells += [number(rank(measured, axis), 2) for axis in AXES]
        cells += [percent(share(measured, what)) for what in ("same_reason", "same_prompt")]
        cells.append(number(share(measured, "reward"), 3))
        yield f"| {SHOWN.get(name, name)} | {' | '.join(cells)} |"


def loop_table(found: Found, editors: Sequence[str]) -> Iterator[str]:
    yield f"| editor | {' | '.join(SHOWN.get(name, name) for name in _looped(found, editors))} |"
    yield "|---|" + "---:|" * len(_looped(found, editors))
    for place, editor in enumerate(editors):
        cells = [number(mean(found[name], editor), 2) for name in _looped(found, editors)]
        yield f"| {editor}{', trained on' if place == 0 else ''} | {' | '.join(cells)} |"


def difference_table(found: Found, editors: Sequence[str]) -> Iterator[str]:
    yield f"| editor | {' | '.join(f'{SHOWN.get(b, b)} less {SHOWN.get(a, a)}' for a, b in PAIRS)} |"
    yield "|---|" + "---:|" * len(PAIRS)
    for editor in editors:
        cells = [change(difference(found[a], found[b], editor)) for a, b in PAIRS]
        yield f"| {editor} | {' | '.join(cells)} |"


def ablation_table(found: Found, editor: str) -> Iterator[str]:
    yield "| GRPO | rank correlation, overall | loop's final score | less SFT |"
    yield "|---|---:|---:|---:|"
    for name, measured in found.items():
        if name == "grpo" or name.startswith("without"):
            cells = [
                number(rank(measured, "overall"), 2),
                number(mean(measured, editor), 2),
                change(difference(found["sft"], measured, editor)),
            ]
            yield f"| {'all rewards' if name == 'grpo' else name} | {' | '.join(cells)} |"


def paper_table() -> Iterator[str]:
    """Table 5 of the paper, as it is printed there."""
    rows: dict[str, dict[str, str]] = {}
    for value in paper_values():
        if str(value.table) == "5":
            rows.setdefault(value.variant, {})[f"{value.benchmark} {value.metric}"] = f"{value.value:g}"
    columns = list(dict.fromkeys(name for cells in rows.values() for name in cells))
    yield f"| FLUX.1 Kontext | {' | '.join(columns)} |"
    yield "|---|" + "---:|" * len(columns)
    for variant, cells in rows.items():
        yield f"| {variant} | {' | '.join(cells.get(column, '') for column in columns)} |"


def write(folder: Path, seeds: int, found: Found, editors: Sequence[str]) -> Path:
    """docs/learning.md and its pictures."""
    images = PAGE.parent / "images"
    runs = {name: [folder / str(seed) / name for seed in range(seeds)] for name in found if name != "base"}
    plots.rewards(
        {n: f for n, f in runs.items() if n not in ("no thinker", "sft")}, images / "learning-grpo.png"
    )
    plots.losses([folder / str(seed) for seed in range(seeds)], images / "learning-sft.png")
    scenes = mean(found["sft"], editors[0]).n
    filled = Template(FORM.read_text(encoding="utf-8")).substitute(
        seeds=seeds,
        scenes=scenes,
        critic="\n".join(critic_table(found)),
        loop="\n".join(loop_table(found, editors)),
        differences="\n".join(difference_table(found, editors)),
        ablations="\n".join(ablation_table(found, editors[0])),
        paper="\n".join(paper_table()),
    )
    PAGE.write_text(filled, encoding="utf-8")
    return PAGE


def percent(found: Estimate) -> str:
    if found.mean is None:
        return "-"
    inside = (
        "" if found.low is None or found.high is None else f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    )
    return f"{100 * found.mean:.1f} %{inside}"


def number(found: Estimate, digits: int) -> str:
    if found.mean is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


def change(found: Comparison) -> str:
    if found.difference is None or found.low is None or found.high is None:
        return "-"
    return f"{found.difference:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def _thinkers(found: Found) -> Iterator[tuple[str, Sequence[Measured]]]:
    yield from ((name, measured) for name, measured in found.items() if measured[0].critic)


def _looped(found: Found, editors: Sequence[str]) -> list[str]:
    return [name for name, measured in found.items() if all(editor in measured[0].loop for editor in editors)]

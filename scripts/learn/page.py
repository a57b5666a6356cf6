"""The tables that a run prints, and docs/learning.md with its plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template

from learn import plots
from learn.measures import Shown
from learn.results import AXES, WAYS, Measured, Way, difference, mean, rank, reward, share
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


def verdict_table(found: Found, shown: Sequence[Shown]) -> Iterator[str]:
    """By what the expert finds wrong: how many images, and of each thinker what it makes of them."""
    names = [name for name, _ in _thinkers(found) if name != "base"]
    yield "| the expert's verdict | images | " + " | ".join(
        f"{SHOWN[name]}: called good | mean reward" for name in names
    ) + " |"  # fmt: skip
    yield "|---|---:|" + "---:|" * 2 * len(names)
    places: dict[str, list[int]] = {}
    for place, image in enumerate(shown):
        places.setdefault(_verdict(image), []).append(place)
    for verdict, at in sorted(places.items(), key=lambda item: -len(item[1])):
        cells = []
        for name in names:
            some = [Measured([each.critic[place] for place in at]) for each in found[name]]
            cells += [percent(share(some, "called_good")), number(share(some, "reward"), 3)]
        yield f"| {verdict} | {len(at)} | {' | '.join(cells)} |"


def _verdict(image: Shown) -> str:
    said = image.reason.rsplit(". ", 1)[-1]
    return (
        "Another thing changed too." if said.endswith(" changed too.") and "background" not in said else said
    )


def loop_table(found: Found, editors: Sequence[str]) -> Iterator[str]:
    names = [name for name, measured in found.items() if all(e in measured[0].greedy for e in editors)]
    yield f"| the thinker's answers | editor | {' | '.join(SHOWN.get(name, name) for name in names)} |"
    yield "|---|---|" + "---:|" * len(names)
    for way, editor in _loops(found, editors):
        cells = [number(mean(found[name], editor, way), 2) for name in names]
        yield f"| {way} | {editor}{', trained on' if editor == editors[0] else ''} | {' | '.join(cells)} |"


def difference_table(found: Found, editors: Sequence[str]) -> Iterator[str]:
    titles = [f"{SHOWN.get(b, b)} less {SHOWN.get(a, a)}" for a, b in PAIRS]
    yield f"| the thinker's answers | editor | {' | '.join(titles)} |"
    yield "|---|---|" + "---:|" * len(PAIRS)
    for way, editor in _loops(found, editors):
        cells = [change(difference(found[a], found[b], editor, way)) for a, b in PAIRS]
        yield f"| {way} | {editor} | {' | '.join(cells)} |"


def ablation_table(found: Found, editor: str) -> Iterator[str]:
    """Of the seeds that have them: GRPO with all rewards, and with one left out."""
    yield "| GRPO | rank correlation, overall | mean reward | " + " | ".join(
        f"{way}: final score | less SFT" for way in WAYS
    ) + " |"  # fmt: skip
    yield "|---|---:|---:|" + "---:|" * 2 * len(WAYS)
    left_out = [name for name in found if name.startswith("without")]
    seeds = len(found[left_out[0]])
    for name in ("grpo", *left_out):
        measured = found[name][:seeds]
        cells = [number(rank(measured, "overall"), 2), number(share(measured, "reward"), 3)]
        for way in WAYS:
            less = difference(found["sft"][:seeds], measured, editor, way)
            cells += [number(mean(measured, editor, way), 2), change(less)]
        yield f"| {'all rewards' if name == 'grpo' else name} | {' | '.join(cells)} |"


def summary(found: Found, editors: Sequence[str]) -> Iterator[str]:
    """Of each step, in how many rows of the table of differences it is shown to gain or to lose."""
    for before, after in PAIRS:
        rows = [difference(found[before], found[after], e, way) for way, e in _loops(found, editors)]
        gains = sum(row.low is not None and row.low > 0 for row in rows)
        loses = sum(row.high is not None and row.high < 0 for row in rows)
        higher = sum(row.difference is not None and row.difference > 0 for row in rows)
        yield (
            f"- {SHOWN.get(after, after)} less {SHOWN.get(before, before)}: a higher mean in {higher} of "
            f"{len(rows)} rows, a gain that is not chance in {gains}, a loss in {loses}."
        )
    worth = reward(found["sft"], found["grpo"])
    if worth.difference is not None and worth.low is not None and worth.high is not None:
        yield (
            "- What a greedy answer is worth as GRPO reckons it, image by image: "
            f"{worth.difference:+.4f} [{worth.low:+.4f}, {worth.high:+.4f}] from SFT to SFT + GRPO."
        )


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


def write(folder: Path, found: Found, editors: Sequence[str], shown: Sequence[Shown]) -> Path:
    """docs/learning.md and its pictures. shown: the images that the critics were asked about, in order."""
    seeds = len(found["sft"])
    images = PAGE.parent / "images"
    tried = [name for name in found if name == "grpo" or name.startswith("without")]
    runs = {name: [folder / str(seed) / name for seed in range(len(found[name]))] for name in tried}
    plots.rewards(runs, images / "learning-grpo.png")
    plots.losses([folder / str(seed) for seed in range(seeds)], images / "learning-sft.png")
    filled = Template(FORM.read_text(encoding="utf-8")).substitute(
        seeds=seeds,
        scenes=len(found["sft"][0].greedy[editors[0]]),
        critic="\n".join(critic_table(found)),
        verdicts="\n".join(verdict_table(found, shown)),
        summary="\n".join(summary(found, editors)),
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


def _loops(found: Found, editors: Sequence[str]) -> Iterator[tuple[Way, str]]:
    """The ways and editors that were measured."""
    yield from (
        (way, e) for way in WAYS for e in editors if all(e in each.loop(way) for each in found["sft"])
    )


def _thinkers(found: Found) -> Iterator[tuple[str, Sequence[Measured]]]:
    yield from ((name, found[name]) for name in SHOWN if name in found)

"""What was measured of one thinker, kept in a file and read back, and the numbers that follow from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from learn.measures import Critic, Ended
from thinkedit.evaluation.base import Point
from thinkedit.evaluation.statistics import Comparison, Estimate, compare, estimate, rank_correlation

__all__ = [
    "AXES",
    "WAYS",
    "Measured",
    "Way",
    "curve",
    "difference",
    "mean",
    "rank",
    "read",
    "reward",
    "share",
    "write",
]

AXES = ("semantic", "quality", "overall")

Way: TypeAlias = Literal["greedy", "sampled"]
"""How the thinker answers in the loop: with its likeliest words, or drawn at GRPO's own temperature, 1."""
WAYS: tuple[Way, ...] = get_args(Way)

Loops: TypeAlias = dict[str, list[Ended]]


@dataclass(frozen=True)
class Measured:
    """critic: its answers about held-out images. greedy, sampled: of each editor, how sessions ended."""

    critic: list[Critic] = field(default_factory=list)
    greedy: Loops = field(default_factory=dict)
    sampled: Loops = field(default_factory=dict)

    def loop(self, way: Way) -> Loops:
        return self.greedy if way == "greedy" else self.sampled


def write(path: Path, measured: Measured) -> None:
    text = json.dumps(asdict(measured), sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Measured:
    value = json.loads(path.read_text(encoding="utf-8"))
    return Measured([_critic(one) for one in value["critic"]], *(_loops(value[way]) for way in WAYS))


def _loops(value: dict[str, list[dict[str, Any]]]) -> Loops:
    return {editor: [Ended(**one) for one in ended] for editor, ended in value.items()}


def _critic(one: dict[str, Any]) -> Critic:
    said, judged = one["said"], one["judged"]
    one |= {"said": None if said is None else (said[0], said[1]), "judged": (judged[0], judged[1])}
    return Critic(**one)


def share(measured: Sequence[Measured], what: str) -> Estimate:
    """The part of answers that can be read (`format`), or whose reason or prompt is the expert's very own."""
    return estimate(
        Point(one.scene, float(one.said is not None if what == "format" else getattr(one, what)))
        for each in measured
        for one in each.critic
    )


def rank(measured: Sequence[Measured], axis: str) -> Estimate:
    """Spearman's rank correlation of the thinker's scores with the judge's; unread answers are left out."""
    return rank_correlation(
        [
            (one.scene, _axis(one.said, axis), _axis(one.judged, axis))
            for each in measured
            for one in each.critic
            if one.said is not None
        ]
    )


def reward(first: Sequence[Measured], second: Sequence[Measured]) -> Comparison:
    """Image by image, what the second's answers are worth to GRPO less what the first's are."""

    def points(measured: Sequence[Measured]) -> list[Point]:
        return [Point(one.scene, one.reward) for each in measured for one in each.critic]

    return compare(points(first), points(second))


def mean(measured: Sequence[Measured], editor: str, way: Way) -> Estimate:
    """The judge's overall score at the end of the loop."""
    return estimate(_points(measured, editor, way))


def difference(first: Sequence[Measured], second: Sequence[Measured], editor: str, way: Way) -> Comparison:
    """Scene by scene, the second less the first."""
    return compare(_points(first, editor, way), _points(second, editor, way))


def curve(folder: Path, names: Iterable[str]) -> dict[str, list[tuple[int, float]]]:
    """Of a run's logged values, (step, value) for each of the names that it has."""
    logged = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]
    return {
        name: [(int(one["step"]), float(one[name])) for one in logged if name in one]
        for name in names
        if any(name in one for one in logged)
    }


def _points(measured: Sequence[Measured], editor: str, way: Way) -> list[Point]:
    return [Point(one.scene, one.overall) for each in measured for one in each.loop(way).get(editor, [])]


def _axis(scores: tuple[float, float], axis: str) -> float:
    semantic, quality = scores
    return {"semantic": semantic, "quality": quality, "overall": float((semantic * quality) ** 0.5)}[axis]

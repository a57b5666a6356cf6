"""The rewards as TRL's GRPOTrainer calls them: one function for each component, each with its curve.

TRL 1.16 calls reward functions one after another in the trainer's thread, each with the whole batch of its
process, and adds what they return by `reward_weights`. The first to be called tries the answers; all three
then read from that. They are plain functions on purpose: TRL would wait for coroutines in just the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from thinkedit.training.edit_feedback import Attempt, EditFeedback, Outcome
from thinkedit.training.next_step import Kind, next_step
from thinkedit.training.rewards import Components, RewardConfig, Scores, components

__all__ = ["RewardFunction", "make_reward_functions", "text_of"]

RewardFunction: TypeAlias = Callable[..., list[float | None]]


def make_reward_functions(
    config: RewardConfig, feedback: EditFeedback, *, threshold: float = 8.0
) -> tuple[list[RewardFunction], list[float]]:
    """`reward_funcs` and `reward_weights` for a GRPOTrainer: format, critic and edit.

    feedback: open for as long as the trainer trains. threshold: at which the loop is satisfied, 0 to 10.
    A component of weight 0 is computed all the same, for its curve.

    The columns that are read are those of `data.grpo_dataset`: source, edited (paths), instruction,
    previous_prompt, semantic and quality (the judge's of `edited`; where one is None the judge is asked), and
    seed where there is one. An answer whose shown image has no score gets None as its critic reward, which
    TRL leaves out. Logged beside the rewards: `feedback/KIND`, the part of a batch that came to each `Kind`,
    and `feedback/gain`, the mean gain in overall score, in points, of the edits that were judged.
    """
    scorer = _Scorer(config, feedback, threshold)

    def format(**batch: Any) -> list[float | None]:  # noqa: A001  # TRL names the curve by it
        return [one.format for one in scorer.scored(batch)]

    def critic(**batch: Any) -> list[float | None]:
        return [one.critic for one in scorer.scored(batch)]

    def edit(**batch: Any) -> list[float | None]:
        return [one.edit for one in scorer.scored(batch)]

    return [format, critic, edit], [config.alpha, config.beta, config.gamma]


def text_of(completion: Any) -> str:
    """The text of a completion: of a string, or of a conversation's messages. "" for anything else."""
    if isinstance(completion, str):
        return completion
    if isinstance(completion, Mapping):
        return text_of(completion.get("content") or completion.get("text"))
    if isinstance(completion, Sequence):
        return "".join(map(text_of, completion))
    return ""


@dataclass
class _Scorer:
    config: RewardConfig
    feedback: EditFeedback
    threshold: float

    def __post_init__(self) -> None:
        self._last: tuple[Any, list[Components]] | None = None

    def scored(self, batch: Mapping[str, Any]) -> list[Components]:
        """The rewards of a batch; once computed, they are there for the other functions."""
        completions = batch["completions"]
        # The list itself is kept, so that no other can take its place in memory.
        if self._last is None or self._last[0] is not completions:
            self._last = completions, self._score(batch)
        return self._last[1]

    def _score(self, batch: Mapping[str, Any]) -> list[Components]:
        texts = [text_of(completion) for completion in batch["completions"]]
        rows = [_row(batch, place) for place in range(len(texts))]
        outcomes = self.feedback.run([self._attempt(*pair) for pair in zip(texts, rows, strict=True)])
        _log(batch, outcomes)
        return [self._worth(*pair) for pair in zip(texts, outcomes, strict=True)]

    def _attempt(self, text: str, row: Mapping[str, Any]) -> Attempt:
        before = _scores(row)
        step = next_step(
            text,
            row.get("previous_prompt", ""),
            before,
            self.config,
            threshold=self.threshold,
            seeded=self.feedback.seeded,
        )
        return Attempt(
            step=step,
            source=Path(row["source"]),
            instruction=row["instruction"],
            before=before,
            shown=Path(row["edited"]) if before is None and row.get("edited") else None,
            seed=row.get("seed"),
        )

    def _worth(self, text: str, outcome: Outcome) -> Components:
        after = outcome.before if outcome.kind.stays else outcome.after
        return components(text, outcome.before, after, self.config)


def _row(batch: Mapping[str, Any], place: int) -> dict[str, Any]:
    columns = ("source", "edited", "instruction", "previous_prompt", "semantic", "quality", "seed")
    return {name: batch[name][place] for name in columns if batch.get(name) is not None}


def _scores(row: Mapping[str, Any]) -> Scores | None:
    semantic, quality = row.get("semantic"), row.get("quality")
    return None if semantic is None or quality is None else Scores(semantic, quality)


def _log(batch: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Curves and columns, where the trainer offers to take them."""
    if (log_metric := batch.get("log_metric")) is not None:
        counts = Counter(outcome.kind for outcome in outcomes)
        for kind in Kind:
            log_metric(f"feedback/{kind.value}", counts[kind] / len(outcomes))
        gains = [one.after.overall - one.before.overall for one in outcomes if one.after and one.before]
        if gains:
            log_metric("feedback/gain", sum(gains) / len(gains))
    if (log_extra := batch.get("log_extra")) is not None:
        log_extra("outcome", [outcome.kind.value for outcome in outcomes])

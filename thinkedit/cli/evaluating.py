"""The work of `thinkedit evaluate run` and `score`, and what they print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import typer

from thinkedit.cli.failures import INTERRUPTED, MODEL_FAILED
from thinkedit.cli.interrupts import Interrupts, run_plainly
from thinkedit.cli.output import clean, say, warn, write_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from thinkedit.adapters.base import Judge
    from thinkedit.config import Config
    from thinkedit.evaluation.base import Answer, Benchmark, Layout, Loaded, Row
    from thinkedit.evaluation.folder import RunFolder
    from thinkedit.evaluation.records import Sample, SampleResult
    from thinkedit.evaluation.score_run import Scored
    from thinkedit.types import LoopSettings

__all__ = ["Running", "Scoring", "show_costs"]

_MOST_TOLD = 10
"""Problems that are printed one by one."""


@dataclass(kw_only=True)
class Scoring:
    """`score`: one judge over one run."""

    benchmark: Benchmark
    folder: RunFolder
    config: Config
    judge: str | None
    judge_prompts: Path | None
    judge_timeout: float
    compat: bool = False
    all_turns: bool = False
    at_once: int = 8
    quiet: bool = False
    as_json: bool = False
    judged: int = field(default=0, init=False)

    def run(self) -> None:
        scored = self.within(self.score)
        if scored is None:
            self._interrupted(f"{self.judged} images had been judged")
        self.show(scored)

    async def score(self) -> Scored:
        from thinkedit.adapters.models import Models
        from thinkedit.evaluation.score_run import score_run
        from thinkedit.evaluation.scoring import every_turn, selected_turn

        models = Models(self.config.models)
        try:
            return await score_run(
                self.benchmark,
                self.folder,
                judge=None if self.judge is None else models.judge(self.judge),
                judge_prompts=self.judge_prompts,
                compat=self.compat,
                turns=every_turn if self.all_turns else selected_turn,
                at_once=self.at_once,
                timeout=self.judge_timeout,
                on_answer=self._answered,
            )
        finally:
            with anyio.CancelScope(shield=True):
                await models.aclose()

    def within(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """What the work returns, or None where a signal ended it first."""

        async def interruptible() -> Any:
            with Interrupts(self._stopping) as interrupts, anyio.CancelScope() as scope:
                interrupts.cancels(scope)
                return await work()
            return None

        return run_plainly(interruptible)

    def show(self, scored: Scored, more: Mapping[str, Any] | None = None) -> None:
        """The table, and what a reader has to know of it; exit code 4 where a call of the judge failed."""
        from thinkedit.evaluation.score_run import Scored

        assert isinstance(scored, Scored)
        if self.as_json:
            rows = [{"group": r.group, "metric": r.metric, "n": r.n, "mean": r.mean} for r in scored.rows]
            told = {"judge": scored.judge, "official_prompts": scored.official, "compat": self.compat}
            counts = {name: getattr(scored, name) for name in ("asked", "reused", "failed", "unread")}
            write_json({**(more or {}), "scores": {**told, **counts, "rows": rows}})
        else:
            for line in _table(self.benchmark, scored.rows):
                say(line)
            say(
                f"judge: {clean(scored.judge)}; {scored.asked} calls now, {scored.reused} answers kept before"
            )
            if not scored.official and self.benchmark.judges == "rubric":
                say("judge prompts: our own wording: not comparable with published numbers (--judge-prompts)")
            missing = sum(score.turn == 0 for score in scored.scores)
            if scored.failed or scored.unread or missing:
                say(
                    f"not in these numbers: {missing} samples without an image, {scored.unread} images whose "
                    f"answers gave no score ({scored.failed} calls failed)"
                )
            say(f"scores: {self.folder.scores(compat=self.compat)}")
        if scored.failed:
            raise typer.Exit(MODEL_FAILED)

    def _answered(self, sample: Sample, turn: int, answers: Mapping[str, Answer]) -> None:
        self.judged += 1
        problems = [answer.problem for answer in answers.values() if answer.problem is not None]
        if problems and not self.as_json:
            warn(clean(f"{sample.id}, turn {turn}: {problems[0]}"))

    def _stopping(self) -> None:
        if not self.as_json:
            say("interrupted: parking what runs (once more to quit at once)")

    def _interrupted(self, what: str) -> None:
        if not self.as_json:
            say(f"interrupted; {what}: the same command goes on")
        raise typer.Exit(INTERRUPTED)


@dataclass(kw_only=True)
class Running(Scoring):
    """`run`: the samples through the loop, then the judge where there is one."""

    found: Loaded
    samples: list[Sample]
    settings: LoopSettings
    layout: Layout
    retry_failed: bool
    data: str
    ended: int = field(default=0, init=False)

    def tell_data(self) -> None:
        """What the data folder could not give."""
        for problem in self.found.problems[:_MOST_TOLD]:
            warn(clean(f"left out: {problem}"))
        if (more := len(self.found.problems) - _MOST_TOLD) > 0:
            warn(f"left out: {more} more")
        if not self.quiet:
            for note in self.found.notes:
                warn(clean(f"note: {note}"))

    def run(self) -> None:
        judge = self._checked_judge()
        done = self.within(self._all)
        if done is None:
            self._interrupted(f"{self.ended} samples had ended")
        results: Sequence[SampleResult] = done
        told = {"run": str(self.folder.path), **_counts(results, self.found)}
        if not self.as_json:
            self._show_run(results)
        if judge is None:
            if self.as_json:
                write_json(told)
            return
        scored = self.within(self.score)
        if scored is None:
            self._interrupted(f"{self.judged} images had been judged")
        self.show(scored, told)

    def _checked_judge(self) -> Judge | None:
        """Refuse a judge or prompts that cannot do it before anything is paid for."""
        from thinkedit.adapters.models import Models
        from thinkedit.evaluation.score_run import check_judge

        self.benchmark.prompts(self.judge_prompts)
        if self.judge is None:
            return None
        if self._model(self.judge) == self._model(self.settings.thinker):
            warn(f"note: {clean(self.judge)} judges what came of its own prompts: name another judge")
        judge = Models(self.config.models).judge(self.judge)
        check_judge(self.benchmark, judge)
        return judge

    def _model(self, name: str) -> str:
        """The kind and the model that a name stands for, the same for a thinker and a judge."""
        block = self.config.models.get(name, {"kind": name})
        told = ":".join(str(block[key]) for key in ("kind", "model") if key in block)
        return told.removeprefix("thinker:")

    async def _all(self) -> list[SampleResult]:
        """The samples, once the judge is seen to be there: it is needed at the end of hours."""
        from thinkedit.adapters.base import Checkable
        from thinkedit.adapters.models import Models

        if self.judge is not None:
            models = Models(self.config.models)
            try:
                judge = models.judge(self.judge)
                if isinstance(judge, Checkable):
                    await judge.check()
            finally:
                with anyio.CancelScope(shield=True):
                    await models.aclose()
        return await self._samples()

    async def _samples(self) -> list[SampleResult]:
        from thinkedit.evaluation.running import run_samples

        return await run_samples(
            self.benchmark,
            self.samples,
            self.folder,
            settings=self.settings,
            config=self.config,
            layout=self.layout,
            at_once=self.at_once,
            retry_failed=self.retry_failed,
            data=self.data,
            left_out=self.found.problems,
            notes=self.found.notes,
            on_result=self._ended,
        )

    def _ended(self, result: SampleResult) -> None:
        self.ended += 1
        if self.as_json:
            return
        if result.problem is not None:
            warn(clean(f"[{self.ended}] {result.sample}: {result.problem}"))
        elif not self.quiet:
            reason = (result.stop_reason or "").replace("_", " ")
            say(
                clean(
                    f"[{self.ended}] {result.sample}: {reason}, turn {result.selected} of {len(result.turns)}"
                )
            )

    def _show_run(self, results: Sequence[SampleResult]) -> None:
        counts = _counts(results, self.found)
        say(
            f"{counts['samples']} samples: {counts['with_image']} with an image, {counts['skipped']} "
            f"skipped, {counts['failed']} whose loop failed; {counts['left_out']} left out of the data"
        )
        say(f"outputs: {self.folder.images}")


def _counts(results: Sequence[SampleResult], found: Loaded) -> dict[str, int]:
    return {
        "samples": len(results),
        "with_image": sum(result.selected is not None for result in results),
        "skipped": sum(result.session_id is None for result in results),
        "failed": sum(result.session_id is not None and result.problem is not None for result in results),
        "left_out": len(found.problems),
    }


def show_costs(running: Running) -> None:
    """Calls and tokens of each role, for what the folder has no result of yet."""
    from thinkedit.evaluation.costs import costs

    done = {result.sample for result in running.folder.read_results([])}
    left = [sample for sample in running.samples if sample.id not in done]
    prompts = running.benchmark.prompts(running.judge_prompts)
    table = costs(running.benchmark, left, running.settings, prompts)
    names = {"editor": running.settings.editor, "thinker": running.settings.thinker}
    names["judge"] = running.judge or "(none named)"
    if running.as_json:
        told = [{**vars(cost), "model": names[cost.role]} for cost in table]
        write_json({"samples": len(left), "done": len(running.samples) - len(left), "costs": told})
        return
    say(f"{len(left)} samples to run, {len(running.samples) - len(left)} done before")
    for cost in table:
        calls = f"{cost.least:,}" if cost.least == cost.most else f"{cost.least:,} to {cost.most:,}"
        line = f"{cost.role} {clean(names[cost.role])}: {calls} calls"
        if cost.input_tokens:
            line += f", at most about {cost.input_tokens:,} tokens in and {cost.output_tokens:,} out"
        say(line)
    say("tokens are an estimate for models that count them; nothing was run")


def _table(benchmark: Benchmark, rows: Sequence[Row]) -> list[str]:
    """The benchmark's own number by group, and all numbers over everything."""
    from thinkedit.evaluation.base import ALL

    group, metric = benchmark.headline
    parts = [row for row in rows if row.group != ALL and row.n and row.metric in (metric, "score")]
    whole = [row for row in rows if row.group == ALL]
    width = max((len(f"{row.group} {row.metric}") for row in [*parts, *whole]), default=0)
    lines = [benchmark.title]
    for row in [*parts, *whole]:
        mark = " *" if (row.group, row.metric) == (group, metric) else ""
        mean = "-" if row.mean is None else f"{row.mean:.2f}"
        lines.append(f"  {f'{row.group} {row.metric}':<{width}}  n {row.n:>5}  {mean:>7}{mark}")
    return lines

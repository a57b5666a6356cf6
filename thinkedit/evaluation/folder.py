"""The folder of a run: which files it has, what they hold, and whether it is the run that was asked for.

run.json       what was run: benchmark, settings, models, digest of the samples
samples.jsonl  the samples, so that scoring and reports need no data folder
results.jsonl  what the loop made of each (SampleResult); in the samples' order once the run has ended
judge.jsonl    every answer of the judge as it came, by a digest of the question
answers.jsonl  the same answers by sample, turn and rubric
scores.jsonl   the judge's scores (TurnScore); scores.compat.jsonl: as the published code scores
data/          the sessions: store and ledger
images/        the outputs in the layout of the benchmark
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from thinkedit.errors import InputError, StoreError
from thinkedit.evaluation.base import Layout
from thinkedit.evaluation.records import Sample, SampleResult, TurnScore
from thinkedit.journal import read_lines, replace_file, whole_lines, write_lines
from thinkedit.store import Store
from thinkedit.types import LoopSettings
from thinkedit.types.words import Frozen

__all__ = ["RunFolder", "RunInfo", "digest_of"]

M = TypeVar("M", bound=Frozen)


class RunInfo(Frozen):
    """What `run.json` says.

    data: the benchmark's folder, for people. editor, thinker: identities. samples, digest: how many, and of
    what they ask. left_out: samples that the data folder could not give. notes: on the data.
    """

    benchmark: str
    data: str = ""
    layout: Layout = "official"
    editor: str
    thinker: str
    settings: LoopSettings
    samples: int = Field(ge=0)
    digest: str
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run, and its files. Methods block."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def store(self) -> Store:
        """The pictures of the run."""
        return Store(self.data / "store")

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def judge(self) -> Path:
        return self.path / "judge.jsonl"

    @property
    def answers(self) -> Path:
        return self.path / "answers.jsonl"

    @property
    def results(self) -> Path:
        return self.path / "results.jsonl"

    def scores(self, *, compat: bool = False) -> Path:
        return self.path / ("scores.compat.jsonl" if compat else "scores.jsonl")

    def begin(self, info: RunInfo, samples: Sequence[Sample]) -> None:
        """Write down what is to be run, or see that the folder holds the same run.

        InputError where it holds another, StoreError where it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if (self.path / "run.json").exists():
                self._same(self.info(), info)
                return
            write_lines(self.path / "samples.jsonl", (sample.model_dump(mode="json") for sample in samples))
            text = json.dumps(info.model_dump(mode="json"), indent=2, sort_keys=True)
            replace_file(self.path / "run.json", [text, "\n"])
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror or error}") from error

    def _same(self, before: RunInfo, now: RunInfo) -> None:
        for name in ("benchmark", "digest", "settings", "editor", "thinker", "layout"):
            was, asked = getattr(before, name), getattr(now, name)
            if was != asked:
                told = (
                    f"{before.samples} other samples"
                    if name == "digest"
                    else f"the {name} {_difference(was, asked)}"
                )
                raise InputError(
                    f"{self.path} holds a run with {told}: give the same options, or another folder"
                )

    def info(self) -> RunInfo:
        """InputError where there is no run, or another version's."""
        file = self.path / "run.json"
        try:
            return RunInfo.model_validate_json(file.read_bytes())
        except FileNotFoundError as error:
            raise InputError(f"{self.path} holds no run: there is no {file.name} in it") from error
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{file} is damaged ({where}: {first['msg']}): begin a new folder") from error

    def read_samples(self) -> list[Sample]:
        """InputError with file and line where one cannot be read."""
        return self._records(self.path / "samples.jsonl", Sample, None)

    def read_results(self, problems: list[str] | None = None) -> list[SampleResult]:
        """The newest result of each sample. A bad line goes into `problems`; without a list it is raised."""
        read = self._records(self.results, SampleResult, problems)
        return list({result.sample: result for result in read}.values())

    def read_scores(self, *, compat: bool = False) -> list[TurnScore]:
        """InputError where a run has not been scored yet."""
        file = self.scores(compat=compat)
        if not file.exists():
            option = " --compat" if compat else ""
            raise InputError(
                f"{self.path} has no {file.name}: run `thinkedit evaluate score {self.path}{option}` first"
            )
        return self._records(file, TurnScore, None)

    def write_results(self, results: Iterable[SampleResult]) -> None:
        self._write(self.results, results)

    def write_scores(self, scores: Iterable[TurnScore], *, compat: bool = False) -> None:
        self._write(self.scores(compat=compat), scores)

    def tidy(self) -> None:
        """Cut off a line that a kill left torn at the end of the results; nothing else is touched."""
        try:
            whole_lines(self.results)
        except ValueError:
            pass  # `read_results` names the line
        except OSError as error:
            raise InputError(f"{self.results} cannot be read: {error.strerror or error}") from error

    def _write(self, file: Path, records: Iterable[Frozen]) -> None:
        try:
            write_lines(file, (record.model_dump(mode="json") for record in records))
        except OSError as error:
            raise StoreError(f"{file} cannot be written: {error.strerror or error}") from error

    def _records(self, file: Path, model: type[M], problems: list[str] | None) -> list[M]:
        records: list[M] = []
        if not file.exists():
            return records
        try:
            for number, value in read_lines(file):
                try:
                    if isinstance(value, ValueError):
                        raise value
                    records.append(model.model_validate_json(json.dumps(value)))
                except ValueError as error:
                    first = str(error).splitlines()[0]
                    told = f"{file}, line {number}: no {model.__name__} ({first})"
                    if problems is None:
                        raise InputError(told) from error
                    problems.append(told)
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
        return records


def digest_of(samples: Iterable[Sample]) -> str:
    """What the samples ask, wherever their files lie: SHA-256."""
    state = hashlib.sha256()
    for sample in samples:
        told: dict[str, Any] = sample.model_dump(mode="json")
        told["images"] = [path.name for path in sample.images]
        state.update(json.dumps(told, sort_keys=True).encode() + b"\n")
    return state.hexdigest()


def _difference(was: Any, asked: Any) -> str:
    if isinstance(was, LoopSettings) and isinstance(asked, LoopSettings):
        before, now = was.model_dump(mode="json"), asked.model_dump(mode="json")
        name = next(name for name in before if before[name] != now[name])
        return f"{name} = {before[name]} and not {now[name]}"
    return f"{was} and not {asked}"

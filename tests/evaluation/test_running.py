"""Each benchmark's folder through the default pair and a scripted judge, whole and with things missing."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation import folders
from tests.evaluation.answering import answer
from tests.graph.kit import numbered
from thinkedit.adapters.base import Question
from thinkedit.adapters.behaviour import Fault
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.judges.scripted import ScriptedJudge
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.errors import InputError, SettingsError, StoreError, ThinkerFailed
from thinkedit.evaluation.base import ALL, Benchmark, Layout, create_benchmark
from thinkedit.evaluation.folder import RunFolder
from thinkedit.evaluation.records import Sample, SampleResult
from thinkedit.evaluation.running import run_samples, session_id_of
from thinkedit.evaluation.score_run import score_run
from thinkedit.evaluation.scoring import every_turn
from thinkedit.images import load
from thinkedit.journal import Journal
from thinkedit.types import LoopSettings

pytestmark = pytest.mark.anyio
NAMES = list(folders.MAKERS)
GEDIT = ("background_change", "color_alter", "text_change")
SETTINGS = LoopSettings(turns=2)


def made(name: str, tmp_path: Path) -> tuple[Benchmark, list[Sample], RunFolder]:
    benchmark = create_benchmark(name)
    loaded = benchmark.load(folders.MAKERS[name](tmp_path / "data"), tmp_path / "work")
    return benchmark, list(loaded.samples), RunFolder(tmp_path / "run")


def shown(folder: RunFolder, *, without: tuple[str, ...] = ("data", "judge.jsonl")) -> dict[str, bytes]:
    """The files of a run by name, but those that are kept in the order of their coming."""
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in sorted(folder.path.rglob("*"))
        if path.is_file() and path.relative_to(folder.path).parts[0] not in without
    }


@pytest.mark.parametrize("layout", ["official", "editthinker"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_run_ends_in_the_layout_of_the_benchmark_and_is_scored(
    name: str, layout: Layout, tmp_path: Path
) -> None:
    benchmark, samples, folder = made(name, tmp_path)
    results = await run_samples(benchmark, samples, folder, settings=SETTINGS, layout=layout)
    assert [result.sample for result in results] == [sample.id for sample in samples]
    assert all(result.problem is None for result in results)
    wanted = set()
    for sample, result in zip(samples, results, strict=True):
        places = benchmark.places(sample, layout)
        wanted |= {places.image, *([places.source] if places.source else [])}
        image = load(folder.images / places.image).picture
        assert (image.width, image.height) == (folders.SIDE, folders.SIDE)
        assert result.selected is not None
    found = {str(path.relative_to(folder.images)) for path in folder.images.rglob("*") if path.is_file()}
    assert found == wanted
    judge = ScriptedJudge(answers=answer)
    scored = await score_run(benchmark, folder, judge=judge)
    assert (scored.failed, scored.unread, scored.asked) == (0, 0, judge.calls)
    row = next(row for row in scored.rows if (row.group, row.metric) == benchmark.headline)
    assert row.n == len(samples)
    assert row.mean is not None
    again = await score_run(benchmark, folder, judge=judge)
    assert (again.asked, again.rows) == (0, scored.rows)
    assert (await score_run(benchmark, folder)).scores == scored.scores  # from the answers alone


async def test_official_result_files_hold_the_same_numbers(tmp_path: Path) -> None:
    benchmark, samples, folder = made("imgedit", tmp_path)
    await run_samples(benchmark, samples, folder, settings=SETTINGS)
    scored = await score_run(benchmark, folder, judge=ScriptedJudge(answers=answer))
    texts = json.loads((folder.path / "official" / "result.json").read_text())
    assert set(texts) == {sample.id for sample in samples}
    averages = json.loads((folder.path / "official" / "average_score.json").read_text())
    assert averages == {score.sample: score.overall for score in scored.scores}
    types = json.loads((folder.path / "official" / "typescore.json").read_text())
    assert types == {
        row.group if row.group != ALL else row.metric: row.mean
        for row in scored.rows
        if row.metric != "macro"
    }


async def test_the_rise_table_has_the_official_rows(tmp_path: Path) -> None:
    benchmark, samples, folder = made("rise", tmp_path)
    await run_samples(benchmark, samples, folder, settings=SETTINGS)
    scored = await score_run(benchmark, folder, judge=ScriptedJudge(answers=answer))
    text = (folder.path / "official" / "images_judge.csv").read_text()
    table = {line[0]: line[1:] for line in csv.reader(text.splitlines())}
    means = {(row.group, row.metric): row.mean for row in scored.rows}
    assert table["-"] == ["Score-Origin", "Score-Percentage", "Accuracy"]
    assert list(table)[1:6] == ["Overall", "Temporal", "Causal", "Spatial", "Logical"]
    assert float(table["Overall"][2]) == (means[ALL, "Accuracy"] or 0) / 100
    assert float(table["Spatial_Quality"][0]) == means["spatial_reasoning", "Plausibility"]
    assert "Logic-Puzzle Solving" in table


async def test_gedit_and_kris_result_files(tmp_path: Path) -> None:
    for name in ("gedit", "kris"):
        benchmark, samples, folder = made(name, tmp_path / name)
        samples = [sample for sample in samples if sample.group in ("physics", "color_change", *GEDIT)]
        await run_samples(benchmark, samples, folder, settings=SETTINGS)
        scored = await score_run(benchmark, folder, judge=ScriptedJudge(answers=answer))
        by_sample = {score.sample: score for score in scored.scores}
        official = folder.path / "official"
        if name == "gedit":
            text = (official / "gpt4o/eval_results_new/images_combined_gpt_score.csv").read_text()
            lines = list(csv.DictReader(text.splitlines()))
            assert len(lines) == len(samples)
            assert [float(line["sementics_score"]) for line in lines] == [
                by_sample[sample.id].values["SC"] for sample in samples
            ]
            assert (folder.images / lines[0]["source_image"]).is_file()
        else:
            metrics = json.loads((official / "physics" / "metrics.json").read_text())
            values = by_sample["physics/1"].values
            assert metrics["1"]["knowledge_score"] == values["KP"] / 25 + 1
            summary = json.loads((official / "results.json").read_text())["summary"]
            assert summary["Overall"]["AVG"] == next(
                row.mean for row in scored.rows if (row.group, row.metric) == (ALL, "AVG")
            )


@pytest.mark.parametrize("name", NAMES)
async def test_missing_and_corrupt_pictures_are_skipped_with_the_reason(name: str, tmp_path: Path) -> None:
    benchmark, samples, folder = made(name, tmp_path)
    samples[0].images[0].unlink()
    samples[1].images[0].write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    results = await run_samples(benchmark, samples, folder, settings=SETTINGS)
    problems = {result.sample: result.problem for result in results if result.problem is not None}
    assert set(problems) == {samples[0].id, samples[1].id}
    assert all(str(sample.images[0]) in (problems[sample.id] or "") for sample in samples[:2])
    scored = await score_run(benchmark, folder, judge=ScriptedJudge(answers=answer))
    missing = [score for score in scored.scores if score.turn == 0]
    assert [score.sample for score in missing] == [samples[0].id, samples[1].id]
    assert len(scored.scores) == len(samples)
    row = next(row for row in scored.rows if (row.group, row.metric) == benchmark.headline)
    assert row.n == len(samples) - 2


async def test_what_failed_is_run_again_only_when_asked(tmp_path: Path) -> None:
    benchmark, samples, folder = made("imgedit", tmp_path)
    kept = samples[0].images[0].read_bytes()
    samples[0].images[0].write_bytes(b"torn")
    for _ in range(2):
        results = await run_samples(benchmark, samples, folder, settings=SETTINGS)
        assert results[0].problem is not None
        samples[0].images[0].write_bytes(kept)
    results = await run_samples(benchmark, samples, folder, settings=SETTINGS, retry_failed=True)
    assert all(result.problem is None for result in results)


async def test_an_instruction_that_the_editor_refuses_is_a_result_and_no_error(tmp_path: Path) -> None:
    benchmark, samples, folder = made("imgedit", tmp_path)
    samples[3] = samples[3].model_copy(update={"instruction": "add a unicorn"})
    results = await run_samples(benchmark, samples, folder, settings=SETTINGS)
    assert (results[3].problem or "").startswith("UnsupportedEdit: ")
    assert sum(result.problem is not None for result in results) == 1


async def test_a_damaged_line_of_results_costs_nothing(tmp_path: Path) -> None:
    benchmark, samples, folder = made("imgedit", tmp_path)
    await run_samples(benchmark, samples, folder, settings=SETTINGS)
    before = shown(folder)
    lines = folder.results.read_bytes().splitlines(keepends=True)
    folder.results.write_bytes(b"".join([*lines[:2], b"{torn}\n", *lines[4:], b'{"sample": "to']))
    again: list[SampleResult] = []
    await run_samples(benchmark, samples, folder, settings=SETTINGS, on_result=again.append)
    assert {result.sample for result in again} == {samples[2].id, samples[3].id}
    assert shown(folder) == before


async def test_another_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    benchmark, samples, folder = made("imgedit", tmp_path)
    await run_samples(benchmark, samples, folder, settings=SETTINGS)
    with pytest.raises(InputError, match="the settings turns = 2 and not 3"):
        await run_samples(benchmark, samples, folder, settings=LoopSettings(turns=3))
    with pytest.raises(InputError, match="9 other samples"):
        await run_samples(benchmark, samples[1:], folder, settings=SETTINGS)
    with pytest.raises(InputError, match="is there twice"):
        await run_samples(benchmark, [*samples, samples[0]], folder, settings=SETTINGS)
    with pytest.raises(SettingsError, match="an evaluation needs a model"):
        await run_samples(benchmark, samples, folder, settings=LoopSettings(thinker="host"))


async def test_a_run_is_the_same_however_many_run_at_once(tmp_path: Path) -> None:
    benchmark, samples, folder = made("gedit", tmp_path)
    other = RunFolder(tmp_path / "other")
    judge = ScriptedJudge(answers=answer)
    for target, at_once in ((folder, 8), (other, 1)):
        await run_samples(benchmark, samples, target, settings=SETTINGS, at_once=at_once)
        await score_run(benchmark, target, judge=judge, at_once=at_once)
    assert shown(folder) == shown(other)


async def test_a_judge_that_answers_nonsense_leaves_the_scores_open(tmp_path: Path) -> None:
    for name in NAMES:
        benchmark, samples, folder = made(name, tmp_path / name)
        samples = samples[:3]
        await run_samples(benchmark, samples, folder, settings=SETTINGS)
        scored = await score_run(benchmark, folder, judge=ScriptedJudge(answers=["I see nothing."]))
        assert (scored.unread, scored.failed) == (len(samples), 0)
        assert all(score.overall is None and score.problem for score in scored.scores)
        row = next(row for row in scored.rows if (row.group, row.metric) == benchmark.headline)
        assert (row.n, row.mean) == (0, None)
        compat = await score_run(benchmark, folder, compat=True)
        assert all(score.overall is None for score in compat.scores)
        assert folder.read_scores(compat=True) == list(compat.scores)


async def test_a_judge_that_hangs_or_fails_is_recorded_and_asked_again(tmp_path: Path) -> None:
    benchmark, samples, folder = made("gedit", tmp_path)
    await run_samples(benchmark, samples, folder, settings=SETTINGS)

    def faulty(number: int, _: Any) -> Fault | None:
        return {3: "hang", 6: ThinkerFailed("the server is gone")}.get(number)  # type: ignore[return-value]

    judge = ScriptedJudge(answers=answer, faults=faulty)
    first = await score_run(benchmark, folder, judge=judge, timeout=0.2, at_once=1)
    assert (first.failed, first.unread) == (2, 2)
    told = " | ".join(score.problem or "" for score in first.scores)
    assert "the judge gave no answer in 0.2 s" in told
    assert "ThinkerFailed: the server is gone" in told
    second = await score_run(benchmark, folder, judge=judge, timeout=0.2)
    assert (second.asked, second.failed, second.unread) == (2, 0, 0)
    assert second.reused == 2 * len(samples) - 2


async def test_all_turns_are_judged_where_that_is_wanted(tmp_path: Path) -> None:
    benchmark, samples, folder = made("imgedit", tmp_path)
    models = Models(editors={"e": ScriptedEditor()}, thinkers={"t": ScriptedThinker(numbered(5, 7, 9))})
    settings = LoopSettings(editor="e", thinker="t", turns=3)
    results = await run_samples(benchmark, samples, folder, settings=settings, models=models)
    turns = sum(len(every_turn(result)) for result in results)
    assert turns == 3 * len(samples)
    assert [turn.overall for turn in results[0].turns] == [5, 7, 9]
    scored = await score_run(benchmark, folder, judge=ScriptedJudge(answers=answer), turns=every_turn)
    assert len(scored.scores) == turns
    assert next(row.n for row in scored.rows if row.metric == "overall") == len(samples)


async def test_a_full_disk_ends_the_run_cleanly_and_it_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark, samples, folder = made("imgedit", tmp_path)
    append = Journal.append
    left = 3

    def full(self: Journal, line: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise StoreError(
                f"{self.path} cannot be written: {OSError(errno.ENOSPC, 'No space left').strerror}"
            )
        append(self, line)

    monkeypatch.setattr(Journal, "append", full)
    with pytest.raises(StoreError, match="No space left"):
        await run_samples(benchmark, samples, folder, settings=SETTINGS, at_once=4)
    assert len(folder.read_results()) == 3
    left = 1000
    results = await run_samples(benchmark, samples, folder, settings=SETTINGS)
    assert all(result.problem is None for result in results)
    left = 4
    judge = ScriptedJudge(answers=answer)
    with pytest.raises(StoreError):
        await score_run(benchmark, folder, judge=judge, at_once=1)
    asked, left = judge.calls, 1000
    scored = await score_run(benchmark, folder, judge=judge)
    assert (asked, scored.reused, scored.asked) == (5, 4, len(samples) - 4)


async def test_a_judge_that_cannot_do_it_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    benchmark, samples, folder = made("imgedit", tmp_path)
    await run_samples(benchmark, samples, folder, settings=SETTINGS)

    class ScoresOnly:
        identity = "scores-only"

        async def judge(self, request: object) -> object:
            raise AssertionError

    with pytest.raises(SettingsError, match="scores-only cannot answer"):
        await score_run(benchmark, folder, judge=ScoresOnly())  # type: ignore[arg-type]
    down = ScriptedJudge(answers=answer, down=ThinkerFailed("no such server"))
    with pytest.raises(ThinkerFailed, match="no such server"):
        await score_run(benchmark, folder, judge=down)
    assert down.calls == 0
    with pytest.raises(InputError, match="give a judge"):
        await score_run(benchmark, folder)


async def test_session_ids_are_the_samples_own(tmp_path: Path) -> None:
    benchmark, samples, folder = made("imgedit", tmp_path)
    results = await run_samples(benchmark, samples, folder, settings=SETTINGS)
    assert [result.session_id for result in results] == [session_id_of("imgedit", s) for s in samples]
    assert len({result.session_id for result in results}) == len(samples)


def test_the_answers_for_tests_follow_each_rubric() -> None:
    assert "Final Score" in answer(Question(("Final Score: N",)))

"""Filter and build over made-up trajectories: the invariants of a finished dataset."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dataset.kit import files_of, many, scored, trajectories, write_scored
from thinkedit.adapters.base import CritiqueRequest
from thinkedit.adapters.protocol import parse_answer, render
from thinkedit.dataset.build import build_folder
from thinkedit.dataset.choosing import BuildSettings
from thinkedit.dataset.filter import FilterSettings, filter_folder
from thinkedit.dataset.folder import RL, SFT, STEPS
from thinkedit.dataset.records import ScoredTrajectory, StepSample
from thinkedit.dataset.rendering import user_text
from thinkedit.errors import InputError, SettingsError
from thinkedit.images import Picture
from thinkedit.journal import read_lines

ways = st.builds(
    BuildSettings,
    seed=st.integers(0, 3),
    terminal=st.sampled_from(["stop", "drop", "expert"]),
    decimals=st.integers(0, 1),
    balance=st.sampled_from(["quantile", "flat", "target", "none"]),
    theta=st.none() | st.just(2.0),
    rl=st.none() | st.integers(0, 6),
    sft=st.none() | st.integers(0, 12),
)
keeping = st.builds(
    FilterSettings,
    tie=st.sampled_from(["first", "last"]),
    single=st.sampled_from(["discard", "keep_if_good"]),
)


def built(
    folder: Path,
    records: Sequence[ScoredTrajectory],
    how: BuildSettings | None = None,
    keep: FilterSettings | None = None,
) -> tuple[dict[str, Any], list[StepSample]]:
    """(manifest, samples) of a dataset of these trajectories."""
    write_scored(folder, records)
    filter_folder(folder, keep or FilterSettings())
    manifest = build_folder(folder, how or BuildSettings())
    return manifest, [StepSample.model_validate(value) for _, value in read_lines(folder / STEPS)]


@settings(max_examples=40, deadline=None)
@given(trajectories(), ways, keeping, st.randoms())
def test_what_must_hold_holds(
    records: list[ScoredTrajectory], how: BuildSettings, keep: FilterSettings, shuffled: Any
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "a")
        manifest, samples = built(folder, records, how, keep)
        by_id = {record.id: record for record in records}
        sets: dict[str, list[StepSample]] = {"sft": [], "rl": []}
        for sample in samples:
            record = by_id[sample.trajectory]
            assert sample.image in [step.image for step in record.steps]
            assert (sample.set is None) == (sample.dropped is not None)
            if sample.set is not None:
                assert sample.image != record.source
                sets[sample.set].append(sample)
        for what in ("trajectory", "source_id"):
            assert not {getattr(s, what) for s in sets["sft"]} & {getattr(s, what) for s in sets["rl"]}
        stages = manifest["stages"]
        for told in stages.values():
            assert told["in"] == told["kept"] + sum(told["dropped"].values())
        assert stages["filter"]["in"] == len(records)
        assert stages["build"]["trajectories"]["in"] == stages["filter"]["kept"]
        assert stages["build"]["in"] == len(samples)
        rows = json.loads((folder / SFT).read_text())
        assert len(rows) == len(sets["sft"]) == stages["build"]["sets"]["sft"]
        for sample, row in zip(sets["sft"], rows, strict=True):
            read = parse_answer(row["messages"][1]["content"])
            assert (read.reasoning, read.next_prompt) == (sample.reason, sample.answer)
        # The same in another order: the same samples are kept, for the same sets.
        shuffled.shuffle(records)
        _, others = built(Path(name, "b"), records, how, keep)
        assert {(s.id, s.set, s.dropped) for s in others} == {(s.id, s.set, s.dropped) for s in samples}


def test_the_same_input_and_seed_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        built(tmp_path / name, many(200), BuildSettings(seed=seed))
    first = files_of(tmp_path / "a")
    assert files_of(tmp_path / "b") == first
    assert files_of(tmp_path / "c")[STEPS] != first[STEPS]


def test_the_layouts_are_those_of_published_code(tmp_path: Path) -> None:
    _, samples = built(tmp_path, many(120), BuildSettings(image_root="/data/set"))
    rows = json.loads((tmp_path / SFT).read_text())
    sft = [sample for sample in samples if sample.set == "sft"]
    picture = Picture.from_bytes((Path(__file__).parents[2] / "examples/photos/coffee.png").read_bytes())
    for sample, row in zip(sft, rows, strict=True):
        assert list(row) == ["messages", "images"]
        assert [list(message) for message in row["messages"]] == [["role", "content"]] * 2
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        assert row["images"] == [f"/data/set/{sample.source}", f"/data/set/{sample.image}"]
        asked = render(CritiqueRequest(picture, picture, sample.instruction, sample.prompt))
        assert row["messages"][0]["content"] == f"<image>\n<image>\n{asked}"
    rl = [sample for sample in samples if sample.set == "rl"]
    lines = [value for _, value in read_lines(tmp_path / RL)]
    assert rl
    for sample, line in zip(rl, lines, strict=True):
        assert line == {
            "origin_prompt": sample.instruction,
            "rewritten_prompt": sample.prompt,
            "origin_image_path": sample.source,
            "edited_image_path": sample.image,
            "evaluation": {"semantics": sample.semantic, "quality": sample.quality},
        }


def test_the_inputs_target_is_the_prompt_of_the_next_step(tmp_path: Path) -> None:
    record = scored("one", [(3, 5), (5, 5), (9, 9), (2, 2)], reasons=["a", "b", "c", "d"])
    _, samples = built(tmp_path, [record], BuildSettings(balance="none", rl=0, sft_variance=10))
    prompts = [step.prompt for step in record.steps]
    told = [(s.prompt, s.reason, s.answer, s.terminal, s.set) for s in samples]
    assert told == [
        (prompts[0], "a", prompts[1], False, "sft"),
        (prompts[1], "b", prompts[2], False, "sft"),
        (prompts[2], "c", prompts[2], True, "sft"),  # good enough: the prompt again, which means stop
    ]


def test_a_template_of_ones_own_is_used(tmp_path: Path) -> None:
    template = tmp_path / "template.txt"
    template.write_text("<image><image>Asked: {original_instruction}. Told: {rewritten_prompt}. {braces}")
    built(tmp_path, many(40), BuildSettings(template=template))
    [row, *_] = json.loads((tmp_path / SFT).read_text())
    assert row["messages"][0]["content"].startswith("<image>\n<image>\nAsked: prompt 1 of t")
    assert row["messages"][0]["content"].endswith(". {braces}")
    with pytest.raises(SettingsError, match=r"no\.txt"):
        build_folder(tmp_path, BuildSettings(template=tmp_path / "no.txt"))


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_quick_prompt_is_the_loops_own(instruction: str, prompt: str) -> None:
    nothing: Any = None
    assert user_text()(instruction, prompt) == render(CritiqueRequest(nothing, nothing, instruction, prompt))


def test_bad_records_are_told_with_their_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    records = many(30)
    write_scored(tmp_path, records)
    path = tmp_path / "scored.jsonl"
    lines = path.read_text().splitlines()
    torn = json.loads(lines[3])
    torn["judged"][0]["scores"]["semantic"] = float("nan")
    lines[3] = json.dumps(torn)
    lines[5] = lines[5][:100]
    lines[7] = "[1, 2]"
    lines.insert(9, lines[0])
    path.write_text("\n".join(lines) + "\n")
    manifest = filter_folder(tmp_path, FilterSettings())
    told = manifest["stages"]["filter"]
    assert told["in"] == 31
    assert (told["dropped"]["corrupt_record"], told["dropped"]["duplicate_id"]) == (3, 1)
    drops = [json.loads(line) for line in (tmp_path / "dropped/filter.jsonl").read_text().splitlines()]
    places = {drop["place"]: drop["why"] for drop in drops if drop["place"]}
    assert list(places) == ["scored.jsonl:4", "scored.jsonl:6", "scored.jsonl:8", "scored.jsonl:10"]
    assert "semantic is nan" in places["scored.jsonl:4"]
    assert "no JSON" in places["scored.jsonl:6"]
    assert build_folder(tmp_path, BuildSettings())["stages"]["build"]["kept"] > 0


def test_unscored_images_drop_their_trajectory(tmp_path: Path) -> None:
    record = scored("one", [(3, 5), (9, 9)])
    judged = (record.judged[0], record.judged[1].model_copy(update={"scores": None, "error": "no answer"}))
    write_scored(tmp_path, [record.model_copy(update={"judged": judged})])
    assert filter_folder(tmp_path, FilterSettings())["stages"]["filter"]["dropped"] == {"unscored": 1}


def test_a_stage_says_which_one_comes_before(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run `thinkedit dataset score` first"):
        filter_folder(tmp_path, FilterSettings())
    with pytest.raises(InputError, match="run `thinkedit dataset filter` first"):
        build_folder(tmp_path, BuildSettings())


def test_a_later_stage_is_forgotten_only_where_its_input_changed(tmp_path: Path) -> None:
    built(tmp_path, many(60))
    assert "build" in filter_folder(tmp_path, FilterSettings())["stages"]
    assert "build" not in filter_folder(tmp_path, FilterSettings(tie="last"))["stages"]

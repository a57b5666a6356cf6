"""The official data layouts: every category is read, what cannot be used is told with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluation import folders
from thinkedit.errors import InputError
from thinkedit.evaluation.base import BENCHMARKS, Layout, create_benchmark
from thinkedit.evaluation.benchmarks.gedit import GEdit
from thinkedit.evaluation.benchmarks.gedit.data import COUNTS as GEDIT
from thinkedit.evaluation.benchmarks.imgedit.reading import COUNTS as IMGEDIT
from thinkedit.evaluation.benchmarks.kris.types import COUNTS as KRIS
from thinkedit.evaluation.benchmarks.rise import COUNTS as RISE

GROUPS = {"imgedit": IMGEDIT, "gedit": GEDIT, "rise": RISE, "kris": KRIS}
TOTALS = {"imgedit": 737, "gedit": 606, "rise": 360, "kris": 1267}


@pytest.mark.parametrize("name", GROUPS)
def test_every_category_is_read_and_its_count_is_compared_with_the_published_one(
    name: str, tmp_path: Path
) -> None:
    data = folders.MAKERS[name](tmp_path / "data")
    loaded = create_benchmark(name).load(data, tmp_path / "work")
    assert {sample.group for sample in loaded.samples} == set(GROUPS[name])
    assert loaded.problems == ()
    assert sum(GROUPS[name].values()) == TOTALS[name]
    assert any("are published" in note for note in loaded.notes)
    for sample in loaded.samples:
        assert all(path.is_file() for path in sample.images), sample


@pytest.mark.parametrize("make", [folders.gedit, folders.gedit_arrow, folders.gedit_exported])
def test_gedit_is_the_same_from_parquet_arrow_and_a_folder(make: object, tmp_path: Path) -> None:
    data = make(tmp_path / "data", 2)  # type: ignore[operator]
    loaded = GEdit().load(data, tmp_path / "work")
    assert len(loaded.samples) == 22
    first = loaded.samples[0]
    assert (first.group, first.facts) == ("background_change", {"intersection": True, "language": "en"})
    assert first.images[0].read_bytes() == folders.picture(0)
    assert len(GEdit("cn").load(data, tmp_path / "work").samples) == 22


def test_kris_is_the_same_from_annotations_and_from_one_file(tmp_path: Path) -> None:
    kris = create_benchmark("kris")
    annotated = kris.load(folders.kris(tmp_path / "a", 2))
    flat = kris.load(folders.kris(tmp_path / "b", 2, flat=True))
    assert [(s.id, s.facts) for s in annotated.samples] == [(s.id, s.facts) for s in flat.samples]
    assert len(annotated.samples) == 40


def test_the_small_rise_set_has_its_own_counts(tmp_path: Path) -> None:
    loaded = create_benchmark("rise").load(folders.rise(tmp_path, 16, full=False))
    assert loaded.notes == (
        "RISEBench-64: 32 of causal_reasoning, 16 are published",
        "RISEBench-64: 48 of spatial_reasoning, 16 are published",
        "RISEBench-64: 48 of logical_reasoning, 16 are published",
    )


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name != "provingground"])
def test_a_folder_without_the_data_says_where_to_get_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"huggingface\.co/datasets"):
        create_benchmark(name).load(tmp_path)


def test_bad_records_are_told_and_left_out(tmp_path: Path) -> None:
    data = folders.imgedit(tmp_path)
    file = data / "singleturn" / "singleturn.json"
    records = json.loads(file.read_text())
    records |= {
        "a": {"id": "../../etc/passwd", "prompt": "make it warmer", "edit_type": "add"},
        "b": {"id": "x.jpg", "prompt": " ", "edit_type": "add"},
        "c": {"id": "x.jpg", "prompt": "make it warmer", "edit_type": "paint"},
        "d": None,
        "../e": {"id": "x.jpg", "prompt": "make it warmer", "edit_type": "add"},
    }
    text = json.dumps(records)
    file.write_text(text[:-1] + ', "0": {}}')
    loaded = create_benchmark("imgedit").load(data)
    assert len(loaded.samples) == 9
    assert len(loaded.problems) == 6
    assert "'0' is there twice" in loaded.problems[0]
    assert all(str(file) in problem for problem in loaded.problems)


@pytest.mark.parametrize(
    ("name", "file", "other"),
    [
        ("imgedit", "basic_edit.json", "[]"),
        ("rise", "data_total.json", "{}"),
        ("kris", "final_data.json", "{}"),
    ],
)
def test_a_damaged_list_is_one_clear_error(name: str, file: str, other: str, tmp_path: Path) -> None:
    for text in ("", "{", "3", other):
        (tmp_path / file).write_text(text)
        with pytest.raises(InputError, match=file):
            create_benchmark(name).load(tmp_path)


def test_a_key_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    data = folders.gedit_exported(tmp_path)
    file = data / "metadata.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[0], "{torn", '{"key": "x", "instruction_language": "en"}']))
    loaded = GEdit().load(data)
    assert len(loaded.samples) == 11
    told = " | ".join(loaded.problems)
    for told_of in ("line 23: the key", "line 24: it is no record", "line 25: its task_type"):
        assert told_of in told


@pytest.mark.parametrize(
    ("name", "layout", "expected"),
    [
        ("imgedit", "official", "0.png"),
        ("imgedit", "editthinker", "gen_image/0.png"),
        ("gedit", "official", f"fullset/background_change/en/{0:032x}.png"),
        ("gedit", "editthinker", f"fullset/background_change/en/{0:032x}.png"),
        ("rise", "official", "images/temporal_reasoning/temporal_reasoning_1.png"),
        ("rise", "editthinker", "temporal_reasoning/temporal_reasoning_1.png"),
        ("kris", "official", "count_change/1.jpg"),
        ("kris", "editthinker", "count_change/1.png"),
    ],
)
def test_outputs_have_their_place_in_either_layout(
    name: str, layout: Layout, expected: str, tmp_path: Path
) -> None:
    benchmark = create_benchmark(name)
    first = benchmark.load(folders.MAKERS[name](tmp_path), tmp_path / "work").samples[0]
    places = benchmark.places(first, layout)
    assert places.image == expected
    assert places.source == (expected.replace(".png", "_SRCIMG.png") if name == "gedit" else None)

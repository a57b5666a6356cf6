"""What a dataset is made of, as a table and as the picture of Figure 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from thinkedit.dataset.stats import GROUPS, Counts, Stats, draw_stats, group_of, read_stats, table
from thinkedit.errors import InputError, MissingExtra, StoreError
from thinkedit.provingground import TASKS

SFT = {
    "remove": {"before": [1, 2, 3, 40, 5, 6], "after": [1, 2, 3, 10, 5, 6]},
    "add-a-new-object": {"before": [0, 0, 0, 7, 0, 0], "after": [0, 0, 0, 7, 0, 0]},
    "style": {"before": [2, 0, 0, 0, 0, 1500], "after": [2, 0, 0, 0, 0, 10]},
}


def manifest(folder: Path, **more: Any) -> Path:
    stages = {
        "sources": {
            "in": 9,
            "kept": 8,
            "dropped": {"leaked": 1},
            "licences": {"mine": {"CC0": 8}},
            "files": [],
        },
        "build": {"in": 4, "kept": 4, "dropped": {}, "bins": {"sft": SFT, "rl": {}}, "files": []},
    }
    stages["build"] |= more
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "stages": stages, "files": {}}))
    return folder


def test_the_counts_are_those_of_the_manifest(tmp_path: Path) -> None:
    stats = read_stats(manifest(tmp_path))
    sft = stats.sets["sft"]
    assert sft.bins(after=False) == [3, 2, 3, 47, 5, 1506]
    assert sft.bins(after=True) == [3, 2, 3, 17, 5, 16]
    assert sft.tasks(after=True) == {"remove": 27, "add-a-new-object": 7, "style": 12}
    assert stats.sets["rl"].empty
    assert stats.stages["sources"] == {"in": 9, "kept": 8, "dropped": {"leaked": 1}}
    assert stats.note == ""
    rows = table(sft)
    assert rows[0] == ["task", "0", "2", "4", "6", "8", "10", "all"]
    assert rows[1] == ["remove", "1", "2", "3", "40 > 10", "5", "6", "57 > 27"]
    assert rows[-1][-1] == "1,566 > 46"


def test_tasks_belong_to_the_groups_of_the_figure(tmp_path: Path) -> None:
    grouped = read_stats(manifest(tmp_path)).sets["sft"].grouped()
    assert tuple(grouped.before) == GROUPS
    assert grouped.tasks(after=True) == {
        "subject-driven": 34,
        "style": 12,
        "background": 0,
        "reasoning": 0,
        "others": 0,
    }
    assert {task: group_of(task) for task in TASKS["full"]} == {
        "recolour": "subject-driven",
        "remove": "subject-driven",
        "add": "subject-driven",
        "replace": "subject-driven",
        "move": "subject-driven",
        "background": "background",
        "style": "style",
        "compare": "reasoning",
        "count": "reasoning",
    }
    assert group_of("uppercase_the_text") == "others"
    assert group_of("") == "others"


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_picture_shows_each_set_and_is_the_same_each_time(tmp_path: Path, ending: str) -> None:
    stats = read_stats(manifest(tmp_path))
    paths = [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
    for path in paths:
        draw_stats(stats, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    both = Stats({"sft": stats.sets["sft"], "rl": stats.sets["sft"]}, {}, "Simulation: of a made-up world")
    draw_stats(both, paths[1])
    assert paths[0].read_bytes() != paths[1].read_bytes()
    if ending == "png":
        with Image.open(paths[0]) as one, Image.open(paths[1]) as two:
            assert one.width == two.width
            assert two.height > 1.5 * one.height
            shown = one.convert("RGB").getcolors(1 << 20)
        assert shown is not None
        colours = {colour: count for count, colour in shown}
        assert colours[(0xB9, 0xC3, 0xD0)] > colours[(0x2F, 0x6F, 0x9F)] > 100  # more before than after
    else:
        assert "<dc:date>" not in paths[0].read_text()


def test_what_cannot_be_shown_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="dataset build"):
        read_stats(tmp_path)
    for wrong in (
        {"sft": {"a": {"before": [1], "after": [1]}}},
        {"sft": {"a": 3}},
        {"sft": {"a": {"before": "x"}}},
    ):
        with pytest.raises(InputError, match="cannot be used"):
            read_stats(manifest(tmp_path, bins=wrong))
    stats = read_stats(manifest(tmp_path))
    with pytest.raises(InputError, match=r"one\.xyz has no ending of a picture.*png"):
        draw_stats(stats, tmp_path / "one.xyz")
    with pytest.raises(StoreError, match="cannot be written"):
        draw_stats(stats, tmp_path / "nowhere/one.png")
    with pytest.raises(InputError, match="nothing to draw"):
        draw_stats(Stats({"sft": Counts({}, {})}, {}), tmp_path / "one.png")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="the picture of a dataset"):
        draw_stats(stats, tmp_path / "one.png")

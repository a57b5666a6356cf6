"""`thinkedit evaluate run` and `score` on the command line."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation import folders
from thinkedit.cli.app import run

JUDGE = """
[models.judge]
kind = "scripted"
answers = ["Shape: 4\\nColour: 3\\nLight: 5", "Shape: 2\\nHue: 2\\nSky: 2"]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folders.imgedit(tmp_path / "data", 2)
    (tmp_path / "thinkedit.toml").write_text(JUDGE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("THINKEDIT_CONFIG", raising=False)
    return tmp_path


def evaluate(line: str) -> int:
    return run(["evaluate", *shlex.split(line)])


RUN = "run --benchmark imgedit --data data -o out --turns 2"


def test_a_run_with_a_judge_prints_the_numbers_and_that_they_are_not_comparable(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(f"{RUN} --judge judge --limit 9") == 0
    told = capsys.readouterr()
    assert "9 samples: 9 with an image, 0 skipped, 0 whose loop failed" in told.out
    assert "all overall" in told.out
    assert "our own wording: not comparable with published numbers" in told.out
    assert "1 of extract, 117 are published" in told.err or "2 of extract, 117 are published" in told.err
    scores = (place / "out" / "scores.jsonl").read_text().splitlines()
    assert {json.loads(line)["overall"] for line in scores} <= {3.67, 2.0}
    assert evaluate("score out --compat --json") == 0
    compat = json.loads(capsys.readouterr().out)["scores"]
    assert (compat["compat"], compat["official_prompts"], compat["asked"]) == (True, False, 0)
    assert (place / "out" / "official.compat" / "typescore.json").is_file()


def test_the_official_prompts_are_used_and_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {
        json.loads((place / "data/singleturn/singleturn.json").read_text())[str(n)]["edit_type"]
        for n in range(18)
    }
    folders.write_json(place / "theirs" / "prompts.json", dict.fromkeys(kinds, "Rate <edit_prompt>."))
    assert evaluate(f"{RUN} --judge judge --limit 3 -q") == 0
    capsys.readouterr()
    assert evaluate("score out --judge judge --judge-prompts theirs") == 0
    told = capsys.readouterr().out
    assert "not comparable" not in told
    assert "3 calls now, 0 answers kept before" in told


def test_a_dry_run_tells_the_cost_and_runs_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(f"{RUN} --judge judge --dry-run --candidates 2") == 0
    told = capsys.readouterr().out
    assert "18 samples to run, 0 done before" in told
    assert "editor photo: 36 to 72 calls" in told
    assert "judge judge: 18 calls, at most about" in told
    assert not (place / "out").exists()
    assert evaluate(f"{RUN} --judge judge --dry-run --json") == 0
    costs = {cost["role"]: cost for cost in json.loads(capsys.readouterr().out)["costs"]}
    assert (costs["thinker"]["least"], costs["thinker"]["most"]) == (18, 36)
    assert costs["judge"]["input_tokens"] > 18 * 100


def test_a_limit_takes_from_every_category_and_categories_can_be_chosen(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def groups(options: str) -> list[str]:
        assert evaluate(f"{RUN} --judge judge --json --dry-run {options}") == 0
        return [str(json.loads(capsys.readouterr().out)["samples"])]

    assert groups("--limit 9") == ["9"]
    assert groups("--only style --only add") == ["4"]
    assert groups("--skip style") == ["16"]
    assert evaluate(f"{RUN} --limit 9 -q") == 0
    lines = (place / "out" / "results.jsonl").read_text().splitlines()
    assert len({json.loads(line)["group"] for line in lines}) == 9


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run --benchmark paint --data data -o out", "unknown benchmark 'paint'"),
        ("run --benchmark imgedit -o out", "--data is missing"),
        ("run --benchmark kris --data data -o out", "download https://huggingface.co/datasets/Liang0223"),
        ("run --benchmark imgedit --data nowhere -o out", "nowhere has no basic_edit.json"),
        (f"{RUN} --only paint", "there is no category 'paint'"),
        (f"{RUN} --layout mine", "there is no layout 'mine'"),
        (f"{RUN} --turns 99", "the option turns has the value 99"),
        (f"{RUN} --judge measured", "unknown judge 'measured'"),
        (f"{RUN} --judge thinker:measured", "asks by rubrics"),
        (f"{RUN} --judge judge --judge-prompts nowhere", "nowhere has none of"),
        (f"{RUN} --thinker host", "an evaluation needs a model"),
        ("score nowhere", "holds no run"),
    ],
)
def test_bad_options_are_one_line_and_run_nothing(
    line: str, message: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(line) == 2
    told = capsys.readouterr().err.splitlines()
    assert message in told[-1]
    assert not (place / "out" / "results.jsonl").exists()


def test_problems_of_the_data_and_of_pictures_are_told_and_counted(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = place / "data" / "singleturn" / "singleturn.json"
    records: dict[str, Any] = json.loads(file.read_text())
    (place / "data" / "singleturn" / records["0"]["id"]).unlink()
    records["1"]["edit_type"] = "paint"
    file.write_text(json.dumps(records))
    assert evaluate(f"{RUN} --judge judge") == 0
    told = capsys.readouterr()
    assert "17 samples: 16 with an image, 1 skipped, 0 whose loop failed; 1 left out of the data" in told.out
    assert "not in these numbers: 1 samples without an image, 0 images" in told.out
    assert "left out: " in told.err
    assert "'1': its edit_type 'paint'" in told.err
    run_json = json.loads((place / "out" / "run.json").read_text())
    assert len(run_json["left_out"]) == 1


def test_a_judge_that_fails_ends_with_its_own_code(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "thinkedit.toml").write_text(JUDGE + "latency = 1\n")
    assert evaluate(f"{RUN} --judge judge --judge-timeout 0.01 --limit 2") == 4
    told = capsys.readouterr()
    assert "the judge gave no answer in 0.01 s" in told.err
    assert "2 images whose answers gave no score (2 calls failed)" in told.out

"""`thinkedit dataset` on the command line, in this process: what is said, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.dataset.kit import PHOTOS
from tests.dataset.making import picture
from thinkedit.cli.app import run
from thinkedit.dataset.records import Trajectory
from thinkedit.journal import read_lines


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """A folder with a JSONL of eight sources, one of which has no picture."""
    folder = tmp_path / "pool"
    folder.mkdir()
    rows = []
    for number in range(8):
        if number != 5:
            (folder / f"{number}.png").write_bytes(picture(number).data)
        rows.append({"image": f"{number}.png", "instruction": f"make it warmer {number}", "id": f"p{number}"})
    (folder / "sources.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "sources.jsonl"


def made(folder: Path, pool: Path, *more: str) -> int:
    where = ["--folder", str(folder)]
    return run(
        [
            *("dataset", "generate", "--editor", "scripted", "--expert", "scripted", "--sources", str(pool)),
            *where,
            *more,
        ]
    )


def test_all_stages_one_after_another(pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "set"
    where = ["--folder", str(folder)]
    assert made(folder, pool, "--licence", "CC0-1.0") == 0
    assert "generate: 7 in, 7 kept, 0 dropped" in capsys.readouterr().out
    assert run(["dataset", "score", "--judge", "scripted", *where]) == 0
    assert run(["dataset", "filter", "--tie", "last", *where]) == 0
    capsys.readouterr()
    assert run(["dataset", "build", "--target", "1,1,1,1,1,1", "--balance", "target", "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["settings"]["target"] == [1.0] * 6
    assert run(["dataset", "check", *where]) == 0
    said = capsys.readouterr().out
    assert said.count("ok ") == 14
    assert "all of it holds" in said
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["stages"]["sources"]["dropped"] == {"missing_image": 1}
    assert manifest["stages"]["sources"]["licences"] == {"folder": {"CC0-1.0": 7}}
    [drop] = [json.loads(line) for line in (folder / "dropped/sources.jsonl").read_text().splitlines()]
    assert drop["place"] == "sources.jsonl:6"
    with open(folder / "steps.jsonl", "a") as steps:
        steps.write("{}\n")
    assert run(["dataset", "check", *where]) == 1
    assert "FAILED" in capsys.readouterr().out
    assert run(["dataset", "check", "--json", *where]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_the_same_command_goes_on_without_naming_sources_again(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    assert made(folder, pool) == 0
    before = (folder / "manifest.json").read_bytes()
    again = ["dataset", "generate", "--expert", "scripted", "--folder", str(folder)]
    assert run(again) == 0
    assert (folder / "manifest.json").read_bytes() == before


def test_exported_sessions_are_trajectories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, exported, folder = tmp_path / "data", tmp_path / "exported", tmp_path / "set"
    photo = tmp_path / "photo.png"
    photo.write_bytes(picture(3).data)
    for words in ("make it brighter", "make it a lot warmer"):
        assert run(["edit", str(photo), words, "--data", str(data), "-q"]) in (0, 4)
    capsys.readouterr()
    assert run(["sessions", "list", "--json", "--data", str(data)]) == 0
    ids = [one["session_id"] for one in json.loads(capsys.readouterr().out)["sessions"]]
    assert run(["sessions", "export", *ids, "-o", str(exported), "--data", str(data)]) == 0
    where = ["--folder", str(folder)]
    code = run(["dataset", "generate", "--sessions", str(exported), "--licence", "of the users", *where])
    assert code == 0
    lines = [Trajectory.model_validate(value) for _, value in read_lines(folder / "trajectories.jsonl")]
    assert [line.id for line in lines] == ids
    assert {line.pool for line in lines} == {"sessions"}
    assert all((folder / step.image).is_file() for line in lines for step in line.steps if step.image)
    assert run(["dataset", "score", "--judge", "scripted", *where]) == 0
    assert run(["dataset", "check", *where]) == 0
    assert "not run, or of other data: filter, build" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generate", "--sources", "5", "--editor", "photo"], "means the proving ground"),
        (["generate", "--editor", "photo"], "no expert is named"),
        (["generate", "--editor", "photo", "--expert", "measured"], "run `thinkedit dataset generate"),
        (["generate", "--pool", "folder", "--editor", "photo"], "no KIND:PLACE"),
        (["generate", "--sessions", "nowhere"], "that `thinkedit sessions export` wrote"),
        (["score"], "no judge is named"),
        (["score", "--judge", "scripted"], "run `thinkedit dataset generate` first"),
        (["filter"], "run `thinkedit dataset score` first"),
        (["build"], "run `thinkedit dataset filter` first"),
        (["build", "--target", "1,2"], "target"),
        (["build", "--target", "0,0,0,0,0,0"], "target"),
        (["check"], "has no manifest"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dataset", *words, "--folder", str(tmp_path / "set")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
    assert PHOTOS.name not in line

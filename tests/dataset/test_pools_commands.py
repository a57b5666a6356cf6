"""`thinkedit dataset pool | leakage | stats | export-hub` on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.dataset.small import built
from thinkedit.cli.app import run
from thinkedit.dataset.pools import read_pool


@pytest.fixture
def pool(tmp_path: Path, photos: Path) -> Path:
    folder = tmp_path / "pool"
    (folder / "editing").mkdir(parents=True)
    for number, path in enumerate(sorted(photos.glob("*.png"))):
        with Image.open(path) as image:
            image.convert("RGB").resize((90, 60)).save(folder / f"editing/input_{number}.png")
    words = ("Remove the word on the wall", "make it warmer", "add 20 % contrast", "lift the shadows")
    records: list[Any] = [
        {
            "input_prompt": text,
            "input_image": [f"editing/input_{n % 4}.png"],
            "output_image": f"editing/o_{n}.png",
        }
        for n, text in enumerate(words)
    ]
    (folder / "editing.json").write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / "gen.json").write_text('{"input_prompt": "A dog", "output_image": "gen/0.png"}\n')
    return folder


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_pool_becomes_a_list_of_sources(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "lists" / "sources.jsonl"
    assert run(["dataset", "pool", "opengpt-4o-image", str(pool), "-o", str(listed)]) == 0
    out, err = capsys.readouterr()
    assert "opengpt-4o-image: 5 records, 3 taken, 0 left" in out
    assert "skipped, text to image: 1" in out
    assert "dropped, missing image: 1" in out
    assert "editing.json:4: there is no picture 'editing/input_3.png'" in err
    lines = [json.loads(line) for line in listed.read_text().splitlines()]
    assert [line["pool"] for line in lines] == ["opengpt-4o-image"] * 3
    assert lines[0]["id"] == "opengpt-4o-image-editing-o_0"
    # What was listed is read back as the same sources.
    ours, theirs = read_pool("opengpt-4o-image", str(pool)), read_pool("folder", str(listed))
    fields = ("id", "source", "image", "instruction", "task_type", "licence")
    assert [[getattr(i, f) for f in fields] for i in ours.items()] == [
        [getattr(i, f) for f in fields] for i in theirs.items()
    ]
    first = listed.read_bytes()
    assert run(["dataset", "pool", "opengpt-4o-image", str(pool), "-o", str(listed), "--json"]) == 0
    told = said(capsys)
    assert (told["read"], told["taken"], told["skipped"]) == (5, 3, {"text_to_image": 1})
    assert [problem["place"] for problem in told["problems"]] == ["editing.json:4"]
    assert listed.read_bytes() == first
    assert run(["dataset", "pool", "opengpt-4o-image", str(pool), "-o", str(listed), "--count", "2"]) == 0
    assert "2 taken, 1 left" in capsys.readouterr().out
    assert run(["dataset", "pool", "laion", str(pool)]) == 2
    assert "no pool of kind 'laion'" in capsys.readouterr().err


def test_pictures_in_the_rows_are_written_beside_the_list(tmp_path: Path, photos: Path) -> None:
    class Held:
        rows = ()
        kind = "mine"

        def items(self) -> Any:
            from thinkedit.dataset.records import PoolItem

            data = (photos / "rocket.jpg").read_bytes()
            yield PoolItem("a", "mine", data, "make it warmer", "adjust", "CC0-1.0", "hf:x:1")

    from thinkedit.dataset.pools.writing import write_pool

    held: Any = Held()
    write_pool(held, tmp_path / "list.jsonl")
    [line] = [json.loads(text) for text in (tmp_path / "list.jsonl").read_text().splitlines()]
    assert line["image"].startswith("list-pictures/images/")
    [item] = read_pool("folder", str(tmp_path)).items()
    assert item.image == tmp_path / line["image"]


def test_leaks_are_named_and_dropped(
    pool: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "set")
    words = ["--editor", "scripted", "--expert", "scripted", "--pool", f"opengpt-4o-image:{pool}"]
    assert run(["dataset", "generate", "-o", folder, *words]) == 0
    capsys.readouterr()
    look = ["dataset", "leakage", "-o", folder, "--against", str(photos)]
    assert run(look) == 0
    out = capsys.readouterr().out
    assert "3 sources stand among 5 pictures of benchmarks" in out
    assert "photos/chelsea.png" in out
    assert run([*look, "--json"]) == 0
    told = said(capsys)
    assert [leak["picture"].partition("/")[2] for leak in told["leaks"]] == [
        "astronaut.png",
        "chelsea.png",
        "coffee.png",
    ]
    assert told["dropped"] is False
    one = tmp_path / "benchmark"
    one.mkdir()
    (one / "cat.png").write_bytes((photos / "chelsea.png").read_bytes())
    assert run(["dataset", "leakage", "-o", folder, "--against", str(one), "--drop"]) == 0
    out = capsys.readouterr().out
    assert "leaked: 1" in out
    assert len((tmp_path / "set/sources.jsonl").read_text().splitlines()) == 2
    assert run(["dataset", "generate", "-o", folder, "--expert", "scripted", "--json"]) == 0
    assert said(capsys)["kept"] == 2
    assert run(["dataset", "leakage", "-o", folder, "--against", str(tmp_path / "nowhere")]) == 2
    assert "there is no folder" in capsys.readouterr().err


@pytest.mark.anyio
async def test_a_dataset_is_shown_and_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import anyio.to_thread

    folder = await built(tmp_path / "set", 24)
    where = ["-o", str(folder)]
    picture = tmp_path / "stats.png"

    def commands() -> None:
        assert run(["dataset", "stats", *where, "--picture", str(picture)]) == 0
        out = capsys.readouterr().out
        assert "SFT, samples by task and score, before balancing > after:" in out
        assert "Simulation: " in out
        assert f"written: {picture}" in out
        assert run(["dataset", "stats", *where, "--groups", "--json"]) == 0
        told = said(capsys)
        assert next(iter(told["sets"]["sft"]["before"])) == "subject-driven"
        assert told["note"].startswith("Simulation")
        assert run(["dataset", "export-hub", *where, "-d", str(tmp_path / "out"), "--name", "Small"]) == 0
        assert "sft: " in capsys.readouterr().out
        assert run(["dataset", "export-hub", *where, "-d", str(tmp_path / "out"), "--json"]) == 2
        assert "not empty" in said(capsys)["error"]["message"]

    await anyio.to_thread.run_sync(commands)
    with Image.open(picture) as shown:
        assert shown.width > 800
    assert (tmp_path / "out/README.md").read_text().startswith('---\npretty_name: "Small"')

"""The folder for the Hugging Face hub: its tables, its card, and that the library reads both."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import yaml
from PIL import Image

from tests.dataset.small import built
from thinkedit.adapters.protocol import parse_answer
from thinkedit.dataset import hub_tables
from thinkedit.dataset.hub import export_folder
from thinkedit.dataset.hub_card import card
from thinkedit.errors import InputError, MissingExtra

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def dataset(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> Path:
    return await built(tmp_path_factory.mktemp("small"))


def steps(folder: Path, set_: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    return [step for step in found if step["set"] == set_]


async def test_rows_hold_texts_pictures_and_where_they_are_from(dataset: Path, tmp_path: Path) -> None:
    done = export_folder(dataset, tmp_path / "out", name="Small")
    wanted = {set_: len(steps(dataset, set_)) for set_ in ("sft", "rl")}
    assert done == {"rows": wanted, "dropped": {}}
    assert min(wanted.values()) > 0
    sft = pyarrow.parquet.read_table(tmp_path / "out/sft/train-00000.parquet").to_pylist()
    rows = json.loads((dataset / "sft_train.json").read_text())
    for row, step, plain in zip(sft, steps(dataset, "sft"), rows, strict=True):
        assert row["messages"] == plain["messages"]
        assert parse_answer(row["messages"][1]["content"]).reasoning == step["reason"]
        for picture, name in zip(row["images"], plain["images"], strict=True):
            assert picture["bytes"] == (dataset / name).read_bytes()
        told = {
            k: row[k] for k in ("id", "t", "instruction", "prompt", "overall", "task_type", "editor", "pool")
        }
        assert told == {name: step[name] for name in told}
        assert row["licence"] == "CC0-1.0"
    rl = pyarrow.parquet.read_table(tmp_path / "out/rl/train-00000.parquet").to_pylist()
    for row, line in zip(rl, (dataset / "rl_train.jsonl").read_text().splitlines(), strict=True):
        plain = json.loads(line)
        assert {k: row[k] for k in ("origin_prompt", "rewritten_prompt", "evaluation")} == {
            k: plain[k] for k in ("origin_prompt", "rewritten_prompt", "evaluation")
        }
        assert row["origin_image"]["bytes"] == (dataset / plain["origin_image_path"]).read_bytes()
        assert row["edited_image"]["bytes"] == (dataset / plain["edited_image_path"]).read_bytes()


async def test_the_card_says_what_it_is_and_how_it_was_made(dataset: Path, tmp_path: Path) -> None:
    export_folder(dataset, tmp_path / "out", name='A "small" world: one', licence="cc0-1.0")
    text = (tmp_path / "out/README.md").read_text()
    _, front, body = text.split("---\n", 2)
    told = yaml.safe_load(front)
    assert told["pretty_name"] == 'A "small" world: one'
    assert told["license"] == "cc0-1.0"
    assert told["size_categories"] == ["n<1K"]
    assert [config["config_name"] for config in told["configs"]] == ["sft", "rl"]
    assert told["configs"][0]["data_files"] == [{"split": "train", "path": "sft/train-*.parquet"}]
    assert "Simulation: " in body
    assert "| provingground | CC0-1.0 |" in body
    assert "provingground-editor(middle)" in body
    assert f"| sft | {len(steps(dataset, 'sft'))} |" in body
    settings = json.loads(body.split("```json\n")[1].split("```")[0])
    assert settings["generate"]["turns"] == 3
    assert str(dataset) not in text
    assert "forbid" not in body


def test_a_card_warns_of_licences_that_forbid() -> None:
    facts = {
        "rows": {"rl": 20_000},
        "tasks": {"a|b": 20_000},
        "licences": [("pico-banana-400k", "CC BY-NC-ND 4.0", 20_000)],
        "dropped": {"unreadable_image": 3},
    }
    text = card({"stages": {}}, facts, name="x", licence="other")
    assert "forbid derived works" in text
    assert "10K<n<100K" in text
    assert "a/b" in text
    assert "3 unreadable image" in text
    assert "Simulation" not in text


async def test_the_same_dataset_gives_the_same_bytes_in_several_files(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_tables, "_ROWS", 4)
    monkeypatch.setattr(hub_tables, "_SHARD", 10_000)
    made = []
    for name in ("one", "two"):
        export_folder(dataset, tmp_path / name, name="Small")
        folder = tmp_path / name
        made.append({str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
    assert made[0] == made[1]
    files = sorted((tmp_path / "one/sft").iterdir())
    assert len(files) > 1
    rows = [row for path in files for row in pyarrow.parquet.read_table(path).to_pylist()]
    assert [row["id"] for row in rows] == [step["id"] for step in steps(dataset, "sft")]


async def test_what_is_missing_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await built(tmp_path / "set", 16)
    first = steps(folder, "sft")[0]
    (folder / first["image"]).write_bytes(b"gone")
    done = export_folder(folder, tmp_path / "out", name="Small")
    damaged = sum(
        first["image"] in (s["image"], s["source"]) for n in ("sft", "rl") for s in steps(folder, n)
    )
    assert done["dropped"] == {"unreadable_image": damaged}
    ids = pyarrow.parquet.read_table(tmp_path / "out/sft/train-00000.parquet")["id"].to_pylist()
    assert first["id"] not in ids
    with pytest.raises(InputError, match="not empty"):
        export_folder(folder, tmp_path / "out", name="Small")
    text = (folder / "sft_train.json").read_text().splitlines()
    (folder / "sft_train.json").write_text("\n".join([text[0], "{}", *text[2:]]))
    with pytest.raises(InputError, match=r"sft_train\.json:2 is no row"):
        export_folder(folder, tmp_path / "other", name="Small")
    (folder / "sft_train.json").write_text("[]\n")
    with pytest.raises(InputError, match="fewer rows"):
        export_folder(folder, tmp_path / "other", name="Small")
    assert sorted(os.listdir(tmp_path)) == ["out", "set"]
    (folder / "steps.jsonl").write_text("")
    with pytest.raises(InputError, match="no sample in a set"):
        export_folder(folder, tmp_path / "other", name="Small")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra):
        export_folder(folder, tmp_path / "other", name="Small")


@pytest.mark.models
async def test_the_library_reads_it(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    export_folder(dataset, tmp_path / "out", name="Small")
    sft = datasets.load_dataset(str(tmp_path / "out"), split="train")
    assert len(sft) == len(steps(dataset, "sft"))
    row, step = sft[0], steps(dataset, "sft")[0]
    assert isinstance(sft.features["images"].feature, datasets.Image)
    assert [picture.size for picture in row["images"]] == [
        Image.open(io.BytesIO((dataset / step[name]).read_bytes())).size for name in ("source", "image")
    ]
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
    rl = datasets.load_dataset(str(tmp_path / "out"), "rl", split="train")
    assert rl[0]["evaluation"]["semantics"] == steps(dataset, "rl")[0]["semantic"]
    assert rl[0]["edited_image"].size == rl[0]["origin_image"].size

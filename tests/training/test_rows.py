"""The sets as they are read: everything that is wrong with a row is told before a model is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.small import built
from tests.training.kit import TEMPLATE, answer, grpo_config, sets, sft_config
from thinkedit.adapters.protocol import DEFAULT_TEMPLATE, parse_answer
from thinkedit.errors import InputError
from thinkedit.training.config import GrpoConfig, SftConfig
from thinkedit.training.rows import rl_rows, sft_rows, user_text

NOWHERE = Path("nowhere")


def changed(folder: Path, change: Callable[[dict[str, Any]], object], row: int = 2) -> SftConfig:
    """The set with one row changed."""
    path = folder / "sft_train.json"
    rows = json.loads(path.read_text())
    change(rows[row])
    path.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    return sft_config(folder, NOWHERE, NOWHERE)


def test_rows_are_what_stands_there(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 5)
    learnt = sft_rows(sft_config(folder, NOWHERE, NOWHERE))
    given = json.loads((folder / "sft_train.json").read_text())
    assert ["<image>\n<image>\n" + row.text for row in learnt] == [
        row["messages"][0]["content"] for row in given
    ]
    assert [row.answer for row in learnt] == [row["messages"][1]["content"] for row in given]
    assert [row.place for row in learnt] == [f"{folder / 'sft_train.json'}:{n}" for n in range(2, 7)]
    tried = rl_rows(grpo_config(folder, NOWHERE, NOWHERE, limit=3))
    assert len(tried) == 3
    told = json.loads((folder / "rl_train.jsonl").read_text().splitlines()[1])
    assert (tried[1].semantic, tried[1].quality) == tuple(told["evaluation"].values())
    assert tried[1].text == f"wanted: {told['origin_prompt']}\ntold: {told['rewritten_prompt']}\n"
    assert tried[1].place.endswith("rl_train.jsonl:2")


def test_a_list_may_be_written_in_any_way_or_as_lines(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 4)
    rows = json.loads((folder / "sft_train.json").read_text())
    (folder / "wide.json").write_text(" [ " + json.dumps(rows, indent=3)[1:])
    wide = sft_rows(sft_config(folder, NOWHERE, NOWHERE, data=folder / "wide.json"))
    (folder / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = sft_rows(sft_config(folder, NOWHERE, NOWHERE, data=folder / "lines.jsonl"))
    assert [row.text for row in wide] == [row.text for row in lines]
    starts = [
        n for n, line in enumerate((folder / "wide.json").read_text().splitlines(), 1) if line == "   {"
    ]
    assert [int(row.place.rpartition(":")[2]) for row in wide] == starts


def test_faults_name_file_and_line(tmp_path: Path) -> None:
    def marker(row: dict[str, Any]) -> None:
        row["messages"][0]["content"] = row["messages"][0]["content"].removeprefix("<image>\n")

    def other(row: dict[str, Any]) -> None:
        row["messages"][0]["content"] = "<image><image>Judge this edit: make it red, made by make it blue"

    faults: tuple[tuple[Callable[[dict[str, Any]], object], str], ...] = (
        (lambda row: row["images"].__setitem__(1, "images/none.png"), "images/none.png does not exist"),
        (lambda row: row["images"].__setitem__(1, "gone/none.png"), "set image_root"),
        (lambda row: row["images"].__setitem__(0, "template.txt"), "is no picture"),
        (lambda row: row["images"].pop(), "images: "),
        (lambda row: row.pop("messages"), "messages: field required"),
        (lambda row: row["messages"].reverse(), "messages of assistant and user"),
        (lambda row: row["messages"][1].update(content="<think>good</think>"), "no score"),
        (marker, "1 <image> markers for 2 pictures"),
        (other, "foreign_prompts = true"),
    )
    for number, (change, said) in enumerate(faults):
        folder = sets(tmp_path / str(number), 4)
        with pytest.raises(InputError) as error:
            sft_rows(changed(folder, change))
        assert str(error.value).startswith(f"{folder / 'sft_train.json'}:4: "), said
        assert said in str(error.value)
        assert "\n" not in str(error.value)


def test_foreign_prompts_are_taken_where_that_is_wanted(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 4)
    config = changed(folder, lambda row: row["messages"][0].update(content="<image><image>Judge: red"))
    assert sft_rows(config.model_copy(update={"foreign_prompts": True}))[2].text == "Judge: red"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[\n", ":2: no JSON: "),
        ("{}", "is no JSON list"),
        ("[]", "has no rows"),
        ('[\n{"messages": 1\n\n', ":4: no JSON"),
        ("[\n[]\n3", ":2: the row"),
    ],
)
def test_a_file_that_is_no_set(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "template.txt").write_text(TEMPLATE)
    (tmp_path / "sft_train.json").write_text(text)
    with pytest.raises(InputError) as error:
        sft_rows(sft_config(tmp_path, NOWHERE, NOWHERE))
    assert said in str(error.value)


def test_a_list_that_breaks_off_behind_a_row(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 3)
    path = folder / "sft_train.json"
    path.write_text(path.read_text().rstrip().removesuffix("]"))
    with pytest.raises(InputError, match=r"sft_train\.json:4: the list breaks off"):
        sft_rows(sft_config(folder, NOWHERE, NOWHERE))


def test_faults_of_the_rl_set(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 3)
    path = folder / "rl_train.jsonl"
    lines = path.read_text().splitlines()
    for changed_line, said in (
        ("{", ":2: "),
        (
            json.dumps(json.loads(lines[1]) | {"evaluation": {"semantics": 11, "quality": 1}}),
            "semantics is 11",
        ),
        (json.dumps(json.loads(lines[1]) | {"origin_prompt": ""}), "origin_prompt is ''"),
        (
            json.dumps(json.loads(lines[1]) | {"edited_image_path": "images/x.png"}),
            "images/x.png does not exist",
        ),
    ):
        path.write_text("\n".join([lines[0], changed_line, lines[2]]) + "\n")
        with pytest.raises(InputError) as error:
            rl_rows(grpo_config(folder, NOWHERE, NOWHERE))
        assert str(error.value).startswith(f"{path}:2: ")
        assert said in str(error.value)


@pytest.mark.anyio
async def test_the_sets_that_dataset_build_writes_are_taken_as_they_are(tmp_path: Path) -> None:
    folder = await built(tmp_path / "made")
    learnt = sft_rows(SftConfig(model="m", data=folder / "sft_train.json", output=NOWHERE))
    tried = rl_rows(
        GrpoConfig(
            model="m", data=folder / "rl_train.jsonl", output=NOWHERE, editor="photo", judge="scripted"
        )
    )
    assert len(learnt) > 10
    assert len(tried) > 3
    for row in learnt:
        assert parse_answer(row.answer).semantic is not None
    assert tried[0].text == user_text(tried[0].instruction, tried[0].prompt, DEFAULT_TEMPLATE, 8.0)


def test_an_answer_of_the_kit_is_one() -> None:
    assert parse_answer(answer(3, 4, "red")).next_prompt == "make it red"

"""Pools: the layouts of published sets, what cannot be used of them, and an even sample."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from thinkedit.dataset.pools import Pool, read_pool
from thinkedit.dataset.pools.records import read_records
from thinkedit.dataset.pools.sampling import even_shares, take_evenly
from thinkedit.dataset.pools.tasks import slug, task_of
from thinkedit.errors import InputError, SettingsError


def picture(path: Path, colour: str = "red") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 12), colour).save(path)


def lines(path: Path, *records: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records))


def reasons(pool: Pool) -> dict[str, str]:
    return {drop.place: drop.reason for drop in pool.dropped}


def adds_up(pool: Pool) -> bool:
    return pool.read == len(pool.rows) + pool.left + len(pool.dropped) + sum(pool.skipped.values())


def edit(number: int, words: str, *images: str) -> dict[str, Any]:
    return {
        "input_prompt": words,
        "input_image": list(images),
        "output_image": f"editing/output_{number}.png",
    }


def test_opengpt_reads_one_object_a_line_and_passes_over_what_is_generated(tmp_path: Path) -> None:
    lines(
        tmp_path / "editing.json",
        edit(0, "Remove the word 'SALAD' at the top of the chalkboard.", "editing/input_0.png"),
        "{broken\n",
        edit(2, "Put the hat on the cat", "editing/input_0.png", "editing/input_2.png"),
        edit(3, " ", "editing/input_0.png"),
        edit(4, "Make it red", "editing/nowhere.png"),
        edit(0, "Make it blue", "editing/input_0.png"),
        edit(6, "Make it green", "editing/damaged.png"),
        [1, 2],
        edit(8, "Remove the word 'SALAD' at the top of the chalkboard.", "editing/input_0.png"),
        {"input_prompt": 5, "input_image": ["editing/input_0.png"]},
        {"input_prompt": "x", "input_image": [7]},
    )
    lines(tmp_path / "gen.json", {"input_prompt": "Collage style.", "output_image": "gen/0.png"})
    picture(tmp_path / "editing/input_0.png")
    (tmp_path / "editing/damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")

    pool = read_pool("opengpt-4o-image", str(tmp_path))
    [row] = pool.rows
    [item] = pool.items()
    assert item.id == row.id == "opengpt-4o-image-editing-output_0"
    assert item.image == tmp_path / "editing/input_0.png"
    assert (item.source, item.task_type, item.place) == ("opengpt-4o-image", "text", "editing.json:1")
    assert "Apache-2.0" in item.licence
    assert reasons(pool) == {
        "editing.json:2": "bad_record",
        "editing.json:4": "no_instruction",
        "editing.json:5": "missing_image",
        "editing.json:6": "duplicate_id",
        "editing.json:7": "unreadable_image",
        "editing.json:8": "bad_record",
        "editing.json:9": "duplicate_pair",
        "editing.json:10": "bad_record",
        "editing.json:11": "bad_record",
    }
    assert pool.skipped == {"several_images": 1, "text_to_image": 1}
    assert pool.read == 12
    assert adds_up(pool)
    whys = {drop.place: drop.why for drop in pool.dropped}
    assert "'editing/nowhere.png'" in whys["editing.json:5"]
    assert "editing.json:1 already" in whys["editing.json:6"]
    assert "damaged.png" in whys["editing.json:7"]
    assert all("\n" not in drop.why for drop in pool.dropped)


def test_sharegpt_reads_an_array_with_the_line_of_each_record(tmp_path: Path) -> None:
    rows = [
        {"input_prompt": "Turn the image into a nighttime scene.", "input_image": ["image/v2v_0.png"]},
        {"input_prompt": "Make it a watercolour", "input_image": ["image/v2v_1.png"]},
        {"input_prompt": "Add a dog", "input_image": ["image/gone.png"]},
    ]
    (tmp_path / "text_and_image_to_image.json").write_text(json.dumps(rows, indent=2))
    (tmp_path / "text_to_image.json").write_text(json.dumps([{"input_prompt": "A dog"}] * 3))
    for name in ("v2v_0", "v2v_1"):
        picture(tmp_path / f"unpacked/image/{name}.png")
    pool = read_pool("sharegpt-4o-image", str(tmp_path))
    assert [row.task_type for row in sorted(pool.rows, key=lambda row: row.place)] == ["style", "background"][
        ::-1
    ]
    assert reasons(pool) == {"text_and_image_to_image.json:14": "missing_image"}
    assert pool.skipped == {"text_to_image": 3}
    assert adds_up(pool)


def test_pico_banana_reads_mapped_and_plain_rows_and_passes_over_several_turns(tmp_path: Path) -> None:
    url = "https://farm8.staticflickr.com/2915/14573719235_6cfb811e3c_o.jpg"
    row = {
        "open_image_input_url": url,
        "text": "Remove the red flag and its white pole, seamlessly extending the sky.",
        "output_image": "images/positive-edit/1.png",
        "edit_type": "Remove an existing object",
        "summarized_text": "Flag removed",
    }
    mapped = {**row, "local_input_image": "openimage_source_images/train_0/0000e2205e460318.jpg"}
    lines(
        tmp_path / "jsonl/sft.jsonl",
        row,
        {**row, "output_image": "images/positive-edit/2.png", "text": "", "edit_type": None},
        {**mapped, "output_image": "images/positive-edit/3.png", "edit_type": "Change colour: sky & sea"},
    )
    lines(
        tmp_path / "jsonl/multi-turn.jsonl",
        {"files": [{"id": "original_input_image", "url": url}], "metadata_edit_turn_prompts": ["a", "b"]},
    )
    picture(tmp_path / "images/14573719235_6cfb811e3c_o.jpg")
    picture(tmp_path / "elsewhere/0000e2205e460318.jpg", "blue")
    pool = read_pool("pico-banana-400k", str(tmp_path))
    found = {row.id.rpartition("-")[2]: row for row in pool.rows}
    assert found["1"].task_type == "remove-an-existing-object"
    assert found["1"].instruction.startswith("Remove the red flag")
    assert found["2"].instruction == "Flag removed"
    assert found["2"].task_type == "remove" or found["2"].task_type == "other"
    assert found["3"].task_type == "change-colour-sky-sea"
    assert found["3"].image == tmp_path / "elsewhere/0000e2205e460318.jpg"
    assert "CC BY-NC-ND" in found["1"].licence
    assert pool.skipped == {"multi_turn": 1}
    assert adds_up(pool)
    assert not pool.dropped


def test_a_folder_of_ones_own_names_what_it_wants_to(tmp_path: Path) -> None:
    lines(
        tmp_path / "mine.jsonl",
        {
            "image": "a.png",
            "instruction": "Make it warmer",
            "licence": "CC0-1.0",
            "id": 7,
            "task_type": "tone",
        },
        {"image": "b.png", "instruction": "Make it warmer"},
        {"image": "b.png", "instruction": "Make it warmer"},
        {"image": "b.png", "instruction": "Make it colder", "id": {"no": "text"}},
        {"instruction": "Make it colder"},
        {"image": "b\0.png", "instruction": "Make it colder"},
    )
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", "blue")
    pool = read_pool("folder", str(tmp_path), licence="mine")
    by_image = {Path(str(row.image)).name: row for row in pool.rows}
    assert by_image["a.png"].id == "7"
    assert (by_image["a.png"].licence, by_image["a.png"].task_type) == ("CC0-1.0", "tone")
    assert by_image["b.png"].licence == "mine"
    assert list(reasons(pool).values()) == [
        "duplicate_id",
        "bad_record",
        "missing_image",
        "bad_record",
    ]
    assert adds_up(pool)
    # An id that the row does not name does not depend on where the row stands.
    before = by_image["b.png"].id
    lines(tmp_path / "mine.jsonl", {"image": "b.png", "instruction": "Make it warmer"})
    assert [row.id for row in read_pool("folder", str(tmp_path)).rows] == [before]


def test_a_name_that_leads_to_two_files_leads_to_none(tmp_path: Path) -> None:
    lines(tmp_path / "mine.jsonl", {"image": "a.png", "instruction": "Make it warmer"})
    picture(tmp_path / "one/a.png")
    assert len(read_pool("folder", str(tmp_path)).rows) == 1
    picture(tmp_path / "two/a.png")
    assert reasons(read_pool("folder", str(tmp_path))) == {"mine.jsonl:1": "missing_image"}
    assert len(read_pool("folder", str(tmp_path), images=tmp_path / "two").rows) == 1


def test_what_cannot_be_read_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no pool of kind 'laion'.*opengpt-4o-image"):
        read_pool("laion", str(tmp_path))
    with pytest.raises(InputError, match=r"nowhere.*hf:NAME"):
        read_pool("folder", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"one \.jsonl file, and holds none"):
        read_pool("folder", str(tmp_path))
    with pytest.raises(InputError, match=r"editing\.json"):
        read_pool("opengpt-4o-image", str(tmp_path))
    with pytest.raises(InputError, match="hf:@x names no data set"):
        read_pool("folder", "hf:@x")


@pytest.mark.parametrize(
    ("text", "good", "said"),
    [
        ("[]", 0, []),
        ('[{"a": 1}, {"a": 2}]', 2, []),
        ('[\n{"a": 1},\n{"a": ]', 1, [(3, "rest is not read")]),
        ('[{"a": 1}\n {"a": 2}]', 1, [(2, "comma")]),
        ('\ufeff[{"a": 1}', 1, [(1, "comma")]),
        ('{"a": 1}\n\n{"b"\n', 1, [(3, "no JSON")]),
        ("", 0, []),
    ],
)
def test_arrays_and_lines_are_read_up_to_their_faults(
    tmp_path: Path, text: str, good: int, said: list[tuple[int, str]]
) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    found = list(read_records(path))
    assert sum(isinstance(value, dict) for _, value in found) == good
    faults = [(line, str(value)) for line, value in found if isinstance(value, ValueError)]
    assert len(faults) == len(said)
    for (line, told), (wanted_line, wanted) in zip(faults, said, strict=True):
        assert line == wanted_line
        assert wanted in told


@given(
    st.dictionaries(st.text(max_size=3), st.integers(0, 30), max_size=8), st.integers(0, 100), st.integers()
)
def test_shares_are_even_and_all_that_there_is(sizes: dict[str, int], count: int, seed: int) -> None:
    shares = even_shares(sizes, count, seed)
    assert sum(shares.values()) == min(count, sum(sizes.values()))
    assert all(0 <= shares[name] <= sizes[name] for name in sizes)
    open_ = [shares[name] for name in sizes if shares[name] < sizes[name]]
    # None that could give more gives less than another by more than one.
    assert not open_ or max(shares.values()) - min(open_) <= 1


@given(
    st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(0, 99), unique=True, max_size=12)),
    st.integers(0, 30),
    st.integers(0, 3),
    st.sets(st.integers(0, 99)),
    st.randoms(),
)
def test_a_sample_replaces_bad_ones_and_does_not_depend_on_the_order(
    groups: dict[str, list[int]], count: int, seed: int, bad: set[int], random: Any
) -> None:
    asked: list[tuple[str, int]] = []

    def good(some: Any) -> list[bool]:
        asked.extend(some)
        return [value not in bad for _, value in some]

    named = {name: [(f"{name}{v}", (name, v)) for v in values] for name, values in groups.items()}
    taken = take_evenly(named, count, seed, good)
    assert len(asked) == len(set(asked))
    assert not [value for _, value in taken if value in bad]
    sizes = {name: sum(v not in bad for v in values) for name, values in groups.items()}
    counted = Counter(name for name, _ in taken)
    assert len(taken) == min(count, sum(sizes.values()))
    short = [counted[name] for name in sizes if counted[name] < sizes[name]]
    assert not short or max(counted.values(), default=0) - min(short) <= 1
    for members in named.values():
        random.shuffle(members)
    shuffled = dict(random.sample(list(named.items()), len(named)))
    assert take_evenly(shuffled, count, seed, good) == taken


def test_a_sample_opens_only_the_pictures_that_it_takes(tmp_path: Path) -> None:
    tasks = {"add": 30, "remove": 4, "style": 30}
    number = 0
    records = []
    for task, count in tasks.items():
        for _ in range(count):
            picture(tmp_path / f"{number}.png")
            records.append({"image": f"{number}.png", "instruction": f"do {number}", "task_type": task})
            number += 1
    lines(tmp_path / "mine.jsonl", *records)
    pool = read_pool("folder", str(tmp_path), count=20, seed=3)
    assert pool.tasks == {"add": 8, "remove": 4, "style": 8}
    assert pool.left == 44
    assert adds_up(pool)
    damaged = Path(str(pool.rows[0].image))
    damaged.write_bytes(b"not a picture")
    again = read_pool("folder", str(tmp_path), count=20, seed=3)
    assert [drop.reason for drop in again.dropped] == ["unreadable_image"]
    assert len(again.rows) == 20
    assert adds_up(again)
    assert len({r.id for r in again.rows} - {r.id for r in pool.rows}) == 1
    other = read_pool("folder", str(tmp_path), count=20, seed=4)
    assert [row.id for row in other.rows] != [row.id for row in again.rows]
    lines(tmp_path / "mine.jsonl", *reversed(records))
    shutil.copy(tmp_path / "1.png", damaged)
    assert [row.id for row in read_pool("folder", str(tmp_path), count=20, seed=3).rows] == [
        row.id for row in pool.rows
    ]


@pytest.mark.parametrize(
    ("words", "task"),
    [
        ("Replace the red apple with a green one.", "replace"),
        ("Convert the image to a Van Gogh painting style.", "style"),
        ("Uppercase the text on the billboard.", "text"),
        ("Change the background to a beach", "background"),
        ("Paint the car blue", "recolour"),
        ("Remove the largest of the red ones", "reasoning"),
        ("Get rid of the man on the left", "remove"),
        ("Do something", "other"),
    ],
)
def test_the_words_tell_the_task(words: str, task: str) -> None:
    assert task_of(words) == task


def test_a_category_becomes_a_name() -> None:
    assert slug("Object-Level: Add / Remove") == "object-level-add-remove"
    assert slug("!") == "other"

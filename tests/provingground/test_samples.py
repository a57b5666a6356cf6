from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from thinkedit.errors import SettingsError
from thinkedit.provingground import TASKS, decode, samples
from thinkedit.provingground.meaning import meaning
from thinkedit.provingground.reading import read

WORLDS = ("full", "small")


@pytest.mark.parametrize("world", WORLDS)
def test_the_same_arguments_give_the_same_samples_and_fewer_are_the_beginning(world: str) -> None:
    many, few, other = (
        list(samples("train", count, seed, world))  # type: ignore[arg-type]
        for count, seed in [(40, 1), (15, 1), (15, 2)]
    )
    assert many[:15] == few
    assert not {s.picture.sha256 for s in few} & {s.picture.sha256 for s in other}
    assert not {s.id for s in few} & {s.id for s in other}


@pytest.mark.parametrize("world", WORLDS)
def test_splits_share_no_scene_whatever_the_seed(world: str) -> None:
    splits = {
        (split, seed): {s.picture.sha256 for s in samples(split, 80, seed, world)}  # type: ignore[arg-type]
        for split in ("train", "dev", "test")
        for seed in (0, 1)
    }
    assert all(len(found) == 80 for found in splits.values()), "a picture came twice with one seed"
    for (split, _), found in splits.items():
        assert not any(found & others for (other, _), others in splits.items() if other != split)


@pytest.mark.parametrize("world", WORLDS)
def test_every_task_type_comes_as_often_and_every_instruction_has_a_meaning(world: str) -> None:
    found = list(samples("test", 20 * len(TASKS[world]), 3, world))  # type: ignore[arg-type]
    assert set(Counter(s.task for s in found).values()) == {20}
    ambiguous = 0
    for sample in found:
        scene, reading = decode(sample.picture), read(sample.instruction)
        assert not reading.unread
        kind = {
            "compare": ("recolour", "remove"),
            "count": ("recolour", "remove"),
            "move": ("move", "resize"),
        }
        assert reading.asks[0].kind in kind.get(sample.task, (sample.task,))
        assert reading.asks[0].reasoned == (sample.task in ("compare", "count"))
        ambiguous += len(meaning(scene, sample.instruction)) > 1
    assert 0.1 < ambiguous / len(found) < 0.7
    assert 0.1 < sum(len(read(s.instruction).asks) > 1 for s in found) / len(found) < 0.45
    assert len({s.instruction for s in found}) > 0.8 * len(found)


def test_scenes_are_as_they_are_said_to_be() -> None:
    for world, least, most in (("full", 3, 8), ("small", 2, 3)):
        counts = {len(list(decode(s.picture))) for s in samples("train", 150, 0, world)}  # type: ignore[arg-type]
        assert (min(counts), max(counts)) == (least, most)
    assert {s.picture.size for s in samples("dev", 3)} == {(100, 100)}
    assert {s.picture.size for s in samples("dev", 3, world="small")} == {(64, 64)}


def test_what_there_is_not_is_told() -> None:
    with pytest.raises(
        SettingsError, match="no split 'valid' in the proving ground: known: train, dev, test"
    ):
        samples("valid", 1)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="no world 'big' in the proving ground: known: full, small"):
        samples("dev", 1, world="big")  # type: ignore[arg-type]


def test_ids_name_where_a_sample_comes_from() -> None:
    first = next(samples("dev", 1, 7, "small"))
    assert first.id == "small-dev-7-00000"
    digest = hashlib.sha256(first.picture.data).hexdigest()
    assert first.picture.sha256 == digest

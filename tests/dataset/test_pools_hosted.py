"""Pools that the library `datasets` reads: the same records, with pictures in the rows themselves."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from thinkedit.dataset.pools import read_pool
from thinkedit.errors import InputError, MissingExtra

pytestmark = pytest.mark.models


def png(colour: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16, 12), colour).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def made(folder: Path, **columns: object) -> None:
    import datasets

    features = datasets.Features(
        {
            name: datasets.Image()
            if name == "image"
            else datasets.List(datasets.Image())
            if name == "input_image"
            else datasets.Value("string")
            for name in columns
        }
    )
    folder.mkdir()
    datasets.Dataset.from_dict(columns, features=features).to_parquet(folder / "train-00000-of-00001.parquet")


def test_lists_of_embedded_pictures_are_rows_with_one(tmp_path: Path) -> None:
    made(
        tmp_path / "set",
        input_prompt=["Make it red", "Make it blue", "A dog", "Put a on b", "Make it green"],
        input_image=[
            [{"bytes": png("white"), "path": None}],
            [{"bytes": b"no picture", "path": None}],
            [],
            [{"bytes": png("white"), "path": None}] * 2,
            [{"bytes": png("grey"), "path": None}],
        ],
        output_image=[f"editing/output_{number}.png" for number in range(5)],
    )
    pool = read_pool("opengpt-4o-image", f"hf:{tmp_path / 'set'}")
    items = list(pool.items())
    assert [item.image for item in items] == [png("white"), png("grey")]
    assert items[0].place == f"hf:{tmp_path / 'set'}:1"
    assert pool.skipped == {"several_images": 1, "text_to_image": 1}
    assert [drop.reason for drop in pool.dropped] == ["unreadable_image"]
    assert pool.dropped[0].place.endswith(":2")


def test_a_picture_of_its_own_column_and_names_of_files_beside(tmp_path: Path) -> None:
    made(
        tmp_path / "set",
        image=[{"bytes": png("red"), "path": "a.png"}, None],
        instruction=["Make it warmer"] * 2,
        licence=["CC0-1.0", None],
    )
    pool = read_pool("folder", f"hf:{tmp_path / 'set'}#train")
    [item] = pool.items()
    assert (item.image, item.licence, item.task_type) == (png("red"), "CC0-1.0", "adjust")
    assert [drop.reason for drop in pool.dropped] == ["missing_image"]


def test_names_in_the_rows_are_looked_for_where_the_caller_says(tmp_path: Path) -> None:
    import datasets

    (tmp_path / "set").mkdir()
    columns = {"input_prompt": ["Make it red"] * 2, "input_image": [["image/a.png"], ["image/b.png"]]}
    datasets.Dataset.from_dict(columns).to_parquet(tmp_path / "set/train.parquet")
    (tmp_path / "image").mkdir()
    (tmp_path / "image/a.png").write_bytes(png("blue"))
    assert not read_pool("sharegpt-4o-image", f"hf:{tmp_path / 'set'}").rows
    pool = read_pool("sharegpt-4o-image", f"hf:{tmp_path / 'set'}", images=tmp_path)
    assert [row.image for row in pool.rows] == [tmp_path / "image/a.png"]
    assert [drop.reason for drop in pool.dropped] == ["missing_image"]
    with pytest.raises(InputError, match="no-such-configuration"):
        read_pool("folder", f"hf:{tmp_path / 'set'}@no-such-configuration")


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "thinkedit\[dataset\]"'):
        read_pool("folder", "hf:somebody/something")

"""`check` passes on what the stages wrote, and finds each fault that is put in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.dataset.kit import PHOTOS
from tests.dataset.making import made
from thinkedit.dataset.build import build_folder
from thinkedit.dataset.check import check_folder, missing_stages
from thinkedit.dataset.choosing import BuildSettings
from thinkedit.dataset.filter import FilterSettings, filter_folder
from thinkedit.errors import InputError

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished dataset."""
    folder = tmp_path_factory.mktemp("dataset")
    anyio.run(made, folder, 40)
    filter_folder(folder, FilterSettings())
    build_folder(folder, BuildSettings(rl=4, sft_variance=4))
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def test_all_of_it_holds(whole: Path) -> None:
    findings = list(check_folder(whole))
    assert [finding.name for finding in findings if not finding.ok] == []
    assert all(finding.seen for finding in findings)
    assert missing_stages(whole) == []
    assert not (whole / "work" / "check").exists()


def lines(folder: Path, name: str, change: Callable[[list[Any]], None]) -> None:
    """Change the values of a JSONL file, and its hash in the manifest with them."""
    path = folder / name
    values = [json.loads(line) for line in path.read_text().splitlines()]
    change(values)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))


def edited(name: str, change: Callable[[list[Any]], None]) -> Change:
    return lambda folder: lines(folder, name, change)


def manifest(change: Callable[[dict[str, Any]], None]) -> Change:
    def work(folder: Path) -> None:
        told = json.loads((folder / "manifest.json").read_text())
        change(told["stages"])
        (folder / "manifest.json").write_text(json.dumps(told))

    return work


def of_set(values: list[Any], name: str) -> Any:
    return next(value for value in values if value["set"] == name)


def moved(values: list[Any]) -> None:
    """A sample of an RL trajectory goes to SFT."""
    of_set(values, "rl")["set"] = "sft"


def raised(values: list[Any]) -> None:
    next(value for value in values if value["dropped"])["set"] = "sft"


def worse(values: list[Any]) -> None:
    """The best image of a kept trajectory is worth nothing."""

    def best(value: Any) -> bool:
        *before, last = [one["scores"]["overall"] for one in value["judged"]]
        return bool(before) and last > max(before)

    next(value for value in values if best(value))["judged"][-1]["scores"] = {
        "semantic": 0.0,
        "quality": 0.0,
        "overall": 0.0,
    }


def damaged(folder: Path) -> None:
    picture = next((folder / "images").rglob("*.png"))
    picture.write_bytes(picture.read_bytes()[:-1])


def gone(folder: Path) -> None:
    next((folder / "images").rglob("*.png")).unlink()


def other_target(folder: Path) -> None:
    path = folder / "sft_train.json"
    path.write_text(path.read_text().replace("<answer>", "<answer>not ", 1))


def other_scores(folder: Path) -> None:
    path = folder / "sft_train.json"
    path.write_text(path.read_text().replace('{\\"semantic\\": ', '{\\"semantic\\": 1', 1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damaged, "each picture has the hash"),
        (gone, "each picture has the hash"),
        (edited("sources.jsonl", lambda values: values.pop()), "in = kept + dropped"),
        (edited("sources.jsonl", lambda values: values.append(values[0])), "sources have ids of their own"),
        (edited("sources.jsonl", lambda v: v[0].update(licence="else")), "licences of the manifest"),
        (edited("sources.jsonl", lambda v: v[0].update(instruction="else")), "belong to their sources"),
        (edited("trajectories.jsonl", lambda v: v[0].update(source_id="0" * 64)), "belong to their sources"),
        (
            edited("scored.jsonl", lambda v: v[0]["judged"][0]["scores"].update(overall=9.99)),
            "overall = sqrt",
        ),
        (edited("scored.jsonl", lambda v: v[0]["judged"][0]["scores"].update(semantic=11)), "overall = sqrt"),
        (edited("scored.jsonl", worse), "kept exactly where"),
        (edited("filtered.jsonl", lambda values: values.pop()), "kept exactly where"),
        (edited("filtered.jsonl", lambda v: v[0]["steps"][0].update(prompt="else")), "kept exactly where"),
        (edited("steps.jsonl", lambda values: values.pop(3)), "one sample for each kept step"),
        (edited("steps.jsonl", lambda v: v[0].update(image=v[-1]["image"])), "one sample for each kept step"),
        (edited("steps.jsonl", moved), "SFT and RL share no"),
        (edited("steps.jsonl", raised), "neither kept nor dropped"),
        (edited("steps.jsonl", lambda v: v[0].update(variance=99.0)), "RL varies by more"),
        (edited("steps.jsonl", lambda v: of_set(v, "rl").update(set=None, dropped="x")), "RL rows say"),
        (edited("steps.jsonl", lambda v: of_set(v, "sft").update(set=None, dropped="x")), "balancing raised"),
        (manifest(lambda s: s["build"].update(theta=-1.0, kept=1)), "in = kept + dropped"),
        (manifest(lambda s: s["build"].update(theta=50.0)), "RL varies by more"),
        (manifest(lambda s: s["filter"]["dropped"].update(worse=0)), "in = kept + dropped"),
        (other_target, "SFT targets are read back"),
        (other_scores, "SFT targets are read back"),
        (edited("rl_train.jsonl", lambda v: v[0]["evaluation"].update(semantics=1.25)), "RL rows say"),
        (edited("rl_train.jsonl", lambda v: v[0].update(origin_prompt="else")), "each file has the hash"),
        (manifest(lambda s: s["build"]["settings"].update(seed=5)), "the same bytes"),
    ],
)
def test_each_fault_is_found(copy: Path, change: Change, said: str) -> None:
    change(copy)
    failed = [finding for finding in check_folder(copy) if not finding.ok]
    told = [finding.name + " " + " ".join(finding.faults) for finding in failed]
    assert any(said in one for one in told), told
    assert all(finding.faults for finding in failed)


def test_there_has_to_be_something(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no manifest"):
        list(check_folder(tmp_path))
    assert PHOTOS.is_dir()

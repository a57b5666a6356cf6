"""A tiny thinker learns in the proving ground: form, critic and rewards, in a few minutes.

A smaller version of `make learn`, by the same functions. Its expert says only what is wrong and does not
describe the pictures: to see takes a model from random weights a quarter of an hour, as docs/learning.md
shows. What is learnt here is the form, what the wording of a prompt says about its result, and from GRPO
which answers pay: for a thinker that is nearly blind, to leave an image alone.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

from tests.models import LEARNING, needed

for package in LEARNING:
    needed(package)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from learn.base import make_base  # noqa: E402
from learn.measures import critic, held_out, images_of, thinker  # noqa: E402
from learn.results import Measured, rank, reward, share  # noqa: E402
from learn.runs import RECIPES, make_data  # noqa: E402

from thinkedit.provingground.expert import ProvingGroundExpert  # noqa: E402
from thinkedit.training.config import GrpoConfig, SftConfig  # noqa: E402
from thinkedit.training.grpo import train as grpo  # noqa: E402
from thinkedit.training.reading import read_config  # noqa: E402
from thinkedit.training.sft import train as sft  # noqa: E402

pytestmark = [pytest.mark.models, pytest.mark.slow]

MODELS = ("base", "sft", "grpo")
SOURCES, SFT_STEPS, GRPO_STEPS = 600, 200, 20


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `base`, `sft` and `grpo`."""
    folder = tmp_path_factory.mktemp("learn")
    data = folder / "data"
    make_data(data, SOURCES, lambda _: None, ProvingGroundExpert("1.0"))
    make_base(data / "sft_train.json", folder / "base", 0)
    changes = [f"model={folder / 'base'}", f"output={folder / 'sft'}", f"max_steps={SFT_STEPS}"]
    changes += [f"data={data / 'sft_train.json'}", "batch=24", "per_device_batch=24"]
    sft(read_config(RECIPES / "sft.toml", SftConfig, changes))
    changes = [f"model={folder / 'sft'}", f"output={folder / 'grpo'}", f"max_steps={GRPO_STEPS}"]
    changes += [f"data={data / 'rl_train.jsonl'}", "batch=64", "per_device_batch=64", "learning_rate=1e-4"]
    grpo(read_config(RECIPES / "grpo.toml", GrpoConfig, [*changes, "max_completion=80"]))
    return folder


@pytest.fixture(scope="module")
def found(learnt: Path) -> dict[str, Measured]:
    """What each of the three does with the same held-out images."""
    shown = images_of(held_out(200, seed=7), "middle")
    made = {name: partial(thinker, learnt / name, RECIPES / "template.txt") for name in MODELS}
    return {name: Measured(critic(make, shown, "middle")) for name, make in made.items()}


def test_form(found: dict[str, Measured]) -> None:
    parts = {name: share([found[name]], "format").mean for name in MODELS}
    assert parts["base"] == 0
    assert parts["sft"] is not None
    assert parts["sft"] >= 0.98
    assert parts["grpo"] is not None
    assert parts["grpo"] >= parts["sft"] - 0.01


def test_the_critic_ranks_images_as_the_judge_does(found: dict[str, Measured]) -> None:
    assert rank([found["base"]], "semantic").mean is None, "random weights give no scores at all"
    correlation = rank([found["sft"]], "semantic")
    assert correlation.low is not None
    assert correlation.low > 0


def test_answers_are_worth_more_after_each_step(found: dict[str, Measured]) -> None:
    for before, after in (("base", "sft"), ("sft", "grpo")):
        gain = reward([found[before]], [found[after]])
        assert gain.low is not None
        assert gain.low > 0, f"{after} less {before}: {gain}"

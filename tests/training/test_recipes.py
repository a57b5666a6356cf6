"""The recipes parse, and a dry run goes through each with nothing but a model's configuration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.models import needed
from tests.training.kit import sets
from thinkedit.cli.app import run
from thinkedit.training.config import Common, GrpoConfig, SftConfig
from thinkedit.training.reading import read_config

RECIPES = Path(__file__).parent.parent.parent / "recipes"
METHODS: dict[str, type[Common]] = {"sft": SftConfig, "grpo": GrpoConfig}
FILES = sorted(path for path in RECIPES.glob("*/*.toml") if path.stem.partition("-")[0] in METHODS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recipe_parses(path: Path) -> None:
    config = read_config(path, METHODS[path.stem.partition("-")[0]])
    assert config.output.is_relative_to(RECIPES.parent / "out") or ".." in str(config.output)


def test_the_large_recipe_has_the_papers_numbers() -> None:
    sft = read_config(RECIPES / "editthinker-8b" / "sft.toml", SftConfig)
    assert (sft.learning_rate, sft.batch, sft.epochs) == (2e-5, 32, 1)
    assert sft.freeze_vision
    assert sft.freeze_projector
    grpo = read_config(RECIPES / "editthinker-8b" / "grpo.toml", GrpoConfig)
    assert (grpo.learning_rate, grpo.batch, grpo.generations, grpo.beta) == (2e-6, 128, 8, 1e-3)
    assert (grpo.clip_low, grpo.clip_high) == (0.2, 0.3)


def test_every_line_that_departs_from_the_paper_says_so() -> None:
    for recipe in ("editthinker-8b", "editthinker-4b-lora"):
        for name in ("sft", "grpo"):
            assert "deviation: " in (RECIPES / recipe / f"{name}.toml").read_text()


def test_the_launcher_deals_the_model_among_eight() -> None:
    config = yaml.safe_load((RECIPES / "editthinker-8b" / "fsdp.yaml").read_text())
    assert config["num_processes"] == 8
    assert config["fsdp_config"]["fsdp_version"] == 2
    assert config["fsdp_config"]["fsdp_state_dict_type"] == "FULL_STATE_DICT"


def test_the_readmes_name_files_that_there_are() -> None:
    for readme in RECIPES.glob("editthinker-*/README.md"):
        for name in re.findall(r"recipes/[\w./-]+", readme.read_text()):
            assert (RECIPES.parent / name).exists(), name


@pytest.mark.models
@pytest.mark.parametrize("recipe", ["editthinker-8b", "editthinker-4b-lora"])
def test_a_dry_run_goes_through(recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for package in (
        "torch",
        "torchvision",
        "transformers",
        "accelerate",
        "datasets",
        "peft",
        "trl",
        "tensorboard",
    ):
        needed(package)
    folder = sets(tmp_path / "sets", 32)
    many = ["--gpus", "8", "--sharding", "fsdp"] if recipe == "editthinker-8b" else []
    for method, name in (("sft", "sft_train.json"), ("grpo", "rl_train.jsonl")):
        given = {
            "model": RECIPES / recipe / "base",
            "data": folder / name,
            "prompt_template": folder / "template.txt",
        }
        changes = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
        path = str(RECIPES / recipe / f"{method}.toml")
        assert run(["train", method, path, "--dry-run", *many, *changes]) == 0
        assert "that fits 80.0 GB" in capsys.readouterr().out


@pytest.mark.models
def test_accelerate_takes_the_launchers_file() -> None:
    needed("accelerate")
    from accelerate.commands.config.config_args import load_config_from_file

    made = load_config_from_file(str(RECIPES / "editthinker-8b" / "fsdp.yaml"))
    assert made.num_processes == 8
    assert str(made.distributed_type).endswith("FSDP")

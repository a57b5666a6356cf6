"""The file that a run is configured with: what its defaults are, and what is said of a fault in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from thinkedit.errors import SettingsError
from thinkedit.training.config import GrpoConfig, SftConfig
from thinkedit.training.reading import read_config

SFT = 'model = "owner/name"\ndata = "sets/sft_train.json"\noutput = "out"\n'
GRPO = SFT + 'editor = "photo"\njudge = "scripted"\n'


def file(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_defaults_are_the_papers(tmp_path: Path) -> None:
    sft = read_config(file(tmp_path, SFT), SftConfig)
    assert (sft.learning_rate, sft.batch, sft.epochs, sft.scheduler, sft.warmup) == (
        2e-5,
        32,
        1,
        "cosine",
        0.1,
    )
    assert (sft.freeze_vision, sft.freeze_projector, sft.freeze_language) == (True, True, False)
    assert (sft.max_pixels, sft.max_length, sft.weight_decay) == (1_048_576, 16_384, 1e-6)
    grpo = read_config(file(tmp_path, GRPO), GrpoConfig)
    assert (grpo.learning_rate, grpo.batch, grpo.generations, grpo.beta) == (2e-6, 128, 8, 1e-3)
    assert (grpo.clip_low, grpo.clip_high, grpo.clip_dual, grpo.loss) == (0.2, 0.3, 3.0, "dapo")
    assert (grpo.freeze_vision, grpo.temperature, grpo.max_completion) == (False, 1.0, 4_096)


def test_paths_are_relative_to_the_file_and_changes_to_here(tmp_path: Path) -> None:
    text = SFT.replace("owner/name", "../base")
    made = read_config(file(tmp_path, text), SftConfig, ["output=elsewhere", "lora.rank=8", "run_name=a=b"])
    assert made.model == str(tmp_path / "../base")
    assert made.data == tmp_path / "sets/sft_train.json"
    assert made.output == Path("elsewhere")
    assert made.lora is not None
    assert (made.lora.rank, made.lora.alpha) == (8, 128)
    assert made.run_name == "a=b"


@pytest.mark.parametrize(
    ("text", "changes", "said"),
    [
        (SFT + "learning_rat = 1e-5", [], ("'learning_rat'", "run.toml", "did you mean 'learning_rate'?")),
        (SFT + "generations = 4", [], ("there is no option 'generations'",)),
        (SFT + "[lora]\nrnk = 4", [], ("'lora.rnk'", "did you mean 'rank'?")),
        (SFT, ["lora.rnk=4"], ("'lora.rnk'", "from --set")),
        (SFT, ["batch"], ("--set 'batch' is not key=value",)),
        (SFT, ["batch=2", "batch.size=1"], ("'batch' is no table",)),
        (SFT, ["batch=many"], ("'batch'", "'many'", "from --set", "integer")),
        (SFT + "batch = 0", [], ("'batch' has the value 0", "run.toml", "greater than or equal to 1")),
        (SFT.replace('data = "sets/sft_train.json"\n', ""), [], ("has no 'data'",)),
        (SFT + "freeze_language = true", [], ("leave nothing to train",)),
        (SFT + "freeze_language = true\n[lora]", [], ("leave one out",)),
        (SFT + "batch = ", [], ("not valid TOML",)),
    ],
)
def test_a_fault_is_one_line_with_the_key_and_the_fix(
    tmp_path: Path, text: str, changes: list[str], said: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as error:
        read_config(file(tmp_path, text), SftConfig, changes)
    assert "\n" not in str(error.value)
    for part in said:
        assert part in str(error.value)


def test_faults_of_grpo(tmp_path: Path) -> None:
    for text, said in (
        (GRPO + "batch = 12", "multiple of generations, 8"),
        (GRPO + "iterations = 3", "multiple of iterations, 3"),
        (GRPO + "[reward]\nalpha = 0.9", "have to sum to 1"),
        (GRPO + "[reward]\nneutral = 0.9", "did you mean 'neutral_edit'?"),
        (GRPO + "[feedback]\nedit_at_once = 1", "did you mean 'edits_at_once'?"),
        (GRPO + '[vllm]\nmode = "colocated"', "'colocated'"),
        (GRPO.replace('judge = "scripted"\n', ""), "has no 'judge'"),
    ):
        with pytest.raises(SettingsError) as error:
            read_config(file(tmp_path, text), GrpoConfig)
        assert said in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml cannot be read: No such file"):
        read_config(tmp_path / "none.toml", SftConfig)

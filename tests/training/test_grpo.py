"""GRPO from the first row to the saved model: a tiny thinker, a scripted editor, a scripted judge."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.models import needed
from tests.training.kit import grpo_config, kill_at, sets, taught, untaught
from thinkedit.adapters.behaviour import Fault
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.judges.scripted import ScriptedJudge
from thinkedit.adapters.models import Models
from thinkedit.errors import EditorFailed, SettingsError, ThinkerFailed

torch = needed("torch")
for package in ("torchvision", "transformers", "accelerate", "datasets", "peft", "trl", "openai"):
    needed(package)

from thinkedit.training import grpo  # noqa: E402
from thinkedit.training.edit_feedback import Attempt, EditFeedback, Outcome  # noqa: E402
from thinkedit.training.next_step import Kind  # noqa: E402

pytestmark = pytest.mark.models

CURVES = ("reward", "rewards/critic/mean", "rewards/edit/mean", "completions/mean_length", "loss")


def logs(folder: Path, name: str) -> list[float]:
    history = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return [entry[name] for entry in history if name in entry]


def test_a_run_asks_editor_and_judge_and_moves_the_weights(tmp_path: Path) -> None:
    folder, said = sets(tmp_path / "sets"), []
    editor, judge = ScriptedEditor(), ScriptedJudge()
    models = Models(editors={"mine": editor}, judges={"ours": judge})
    config = grpo_config(
        folder, taught(), tmp_path / "out", max_steps=3, learning_rate=1e-4, editor="mine", judge="ours",
        per_device_batch=8,
    )  # fmt: skip
    assert grpo.train(config, say=said.append, models=models) == tmp_path / "out"
    assert editor.calls > 3
    assert editor.closed
    assert judge.calls == editor.calls
    assert min(logs(tmp_path / "out", "rewards/format/mean")) > 0.5  # what it was taught
    assert logs(tmp_path / "out", "kl")[0] == pytest.approx(0, abs=1e-6)
    assert logs(tmp_path / "out", "kl")[-1] > 0  # it moves away from the model it began as
    assert "format 0." in said[1] or "format 1" in said[1]
    assert said[-1].startswith("answers: judged ")
    assert f"edits {editor.calls}" in said[-1]
    from transformers import AutoModelForImageTextToText

    before = dict(AutoModelForImageTextToText.from_pretrained(taught()).named_parameters())
    after = AutoModelForImageTextToText.from_pretrained(tmp_path / "out")
    assert any(not torch.equal(before[name], value) for name, value in after.named_parameters())


def test_lora_needs_no_second_model(tmp_path: Path) -> None:
    config = grpo_config(
        sets(tmp_path / "sets"), taught(), tmp_path / "out", max_steps=2,
        lora={"rank": 4, "alpha": 8}, dtype="float32",
    )  # fmt: skip
    grpo.train(config)
    assert logs(tmp_path / "out", "kl")[0] == pytest.approx(0, abs=1e-6)
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file()


def test_a_run_that_is_killed_goes_on_with_the_same_answers(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets")
    options = {"max_steps": 5, "save_steps": 2, "learning_rate": 1e-4, "per_device_batch": 8}
    grpo.train(grpo_config(folder, taught(), tmp_path / "whole", **options))
    config = grpo_config(folder, taught(), tmp_path / "killed", **options)
    kill_at(3, "grpo", config, tmp_path / "grpo.toml")
    with pytest.raises(SettingsError, match="begun with generations = 4, now it is 2"):
        grpo.train(config.model_copy(update={"generations": 2}), resume=True)
    said: list[str] = []
    grpo.train(config, resume=True, say=said.append)
    assert any(line.startswith("goes on from ") for line in said)
    assert len(said) < 7  # and did not begin anew
    for name in CURVES:
        whole, resumed = (logs(tmp_path / run, name) for run in ("whole", "killed"))
        assert len(whole) == 5
        assert resumed == pytest.approx(whole, rel=1e-4, abs=1e-6), name


class Watched:
    """What the trainer was told of each answer, and what became of it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        self.rewards: dict[str, list[float | None]] = {}
        self.outcomes: list[Outcome] = []
        make, run = grpo.make_reward_functions, EditFeedback.run

        def watched(*given: Any, **options: Any) -> Any:
            functions, weights = make(*given, **options)
            return [self._watch(function) for function in functions], weights

        def ran(feedback: EditFeedback, attempts: Sequence[Attempt]) -> list[Outcome]:
            made = run(feedback, attempts)
            self.outcomes += made
            return made

        patch.setattr(grpo, "make_reward_functions", watched)
        patch.setattr(EditFeedback, "run", ran)

    def _watch(self, function: Any) -> Any:
        def called(**batch: Any) -> Any:
            made = function(**batch)
            self.rewards.setdefault(function.__name__, []).extend(made)
            if function.__name__ == "format":
                self.texts += [completion[0]["content"] for completion in batch["completions"]]
            return made

        called.__name__ = function.__name__
        return called


def test_an_editor_that_fails_and_hangs_takes_nothing_from_the_other_answers(tmp_path: Path) -> None:
    def fault(number: int, request: object) -> Fault | None:
        if number % 20 == 7:
            return "hang"
        return EditorFailed("out of memory") if number % 10 in (1, 4, 8) else None

    folder = sets(tmp_path / "sets", 32)
    runs = []
    for name, faults in (("well", None), ("ill", fault)):
        with pytest.MonkeyPatch.context() as patch:
            watched, said = Watched(patch), list[str]()
            editor = ScriptedEditor(faults=faults)
            config = grpo_config(
                folder, taught(), tmp_path / name, max_steps=1, batch=96, per_device_batch=96, editor="mine",
                feedback={"edit_timeout": 3, "retries": 0, "edits_at_once": 128},
            )  # fmt: skip
            grpo.train(config, models=Models(editors={"mine": editor}), say=said.append)
            runs.append(watched)
    well, ill = runs
    assert ill.texts == well.texts
    counted = Counter(outcome.kind for outcome in ill.outcomes)
    assert counted[Kind.EDIT_FAILED] / editor.calls > 0.2
    assert counted[Kind.EDIT_LATE] >= 1
    assert {outcome.kind for outcome in well.outcomes} <= {Kind.JUDGED, Kind.UNREAD, Kind.REFUSED}
    for kind, count in counted.items():
        assert f"{kind.value} {count}" in said[-1]
    for place, outcome in enumerate(ill.outcomes):
        for name in ("format", "critic"):
            assert ill.rewards[name][place] == well.rewards[name][place]
        expected = 0.0 if outcome.kind.failed else well.rewards["edit"][place]
        assert ill.rewards["edit"][place] == expected
    assert len(set(well.rewards["edit"])) > 10


def test_models_that_are_down_are_told_before_the_thinker_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpo, "load_model", lambda config: pytest.fail("loaded too early"))
    folder = sets(tmp_path / "sets", 4)
    dead = {"kind": "openai-images", "model": "m", "base_url": "http://127.0.0.1:9/v1", "api_key": "k"}
    config = grpo_config(folder, untaught(), tmp_path / "out", editor="dead", models={"dead": dead})
    with pytest.raises(EditorFailed, match=r"127\.0\.0\.1:9"):
        grpo.train(config)
    with pytest.raises(SettingsError, match="4 samples, fewer than the 16 prompts of one step: lower batch"):
        grpo.train(grpo_config(folder, untaught(), tmp_path / "out", batch=64))
    with pytest.raises(SettingsError, match="unknown judge 'scriptd': did you mean 'scripted'"):
        grpo.train(grpo_config(folder, untaught(), tmp_path / "out", judge="scriptd"))
    gone = Models(judges={"gone": ScriptedJudge(down=ThinkerFailed("no judge at this address"))})
    with pytest.raises(ThinkerFailed, match="no judge at this address"):
        grpo.train(grpo_config(folder, untaught(), tmp_path / "out", judge="gone"), models=gone)

"""`make bench-gpu`: the same code with tiny models, and the sizes of the full ones without their weights."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gpu.checkpoints import BENCH, full_size_checkpoints
from tests.models import needed

torch = needed("torch")
for package in ("torchvision", "diffusers", "transformers", "accelerate"):
    needed(package)

pytestmark = pytest.mark.models


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"} | environment,
    )


def test_the_full_models_have_as_many_parameters_as_the_published_ones() -> None:
    checkpoints = full_size_checkpoints()
    checkpoints.tiny_models()
    from tiny.tokens import clip_tokenizer, qwen_tokenizer, t5_tokenizer

    parts = checkpoints.kontext_parts(clip_tokenizer(), t5_tokenizer())
    parts["qwen3-vl"] = checkpoints.qwen3_vl(qwen_tokenizer())
    with torch.device("meta"):
        made = {name: make() for name, make in parts.items()}
    millions = {
        name: sum(weight.numel() for weight in model.parameters()) / 1e6 for name, model in made.items()
    }
    assert millions == {
        "transformer": pytest.approx(11901, abs=1),
        "text_encoder": pytest.approx(123, abs=1),
        "text_encoder_2": pytest.approx(4762, abs=1),
        "vae": pytest.approx(84, abs=1),
        "qwen3-vl": pytest.approx(8767, abs=1),
    }


def test_without_a_gpu_it_says_so_in_one_line() -> None:
    ran = python(str(BENCH), CUDA_VISIBLE_DEVICES="")
    assert (ran.returncode, ran.stdout.count("\n")) == (0, 1), ran.stderr
    assert ran.stdout.startswith("no CUDA GPU here: nothing measured")


def test_tiny_models_go_through_the_whole_of_it(tmp_path: Path) -> None:
    ran = python(str(BENCH), "--tiny", "--runs", "1", "--models", str(tmp_path), CUDA_VISIBLE_DEVICES="")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for role, unit in (("editor: tiny-flux-kontext", "an edit"), ("thinker: tiny-qwen3-vl", "a critique")):
        told = ran.stdout.partition(role)[2]
        assert re.search(rf"bare +\d+\.\d+ s {unit}", told), ran.stdout
        assert re.search(rf"one at a time +\d+\.\d+ s {unit} +ratio +\d+\.\d+ \(goal 0.98\)", told)
        assert re.search(rf"4 at once +\d+\.\d+ s {unit} +ratio +\d+\.\d+ \(goal 1.3\)", told)
        assert re.search(r"\n  device +\d+\.\d +\d+\.\d +\d+\.\d+ ", told)

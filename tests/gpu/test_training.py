"""One step each of SFT and GRPO of Qwen3-VL-8B at full size, random weights and LoRA: needs one 80 GB GPU.

Prints memory and time, as docs/performance.md records them, beside what the dry run had reckoned.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gpu.test_full_size import full_size
from tests.models import needed
from tests.training.kit import grpo_config, sets, sft_config
from thinkedit.training.config import TrainConfig

torch = needed("torch")
for package in ("torchvision", "transformers", "accelerate", "datasets", "peft", "trl"):
    needed(package)

from thinkedit.training import grpo, sft  # noqa: E402
from thinkedit.training.dry_run import dry_run  # noqa: E402

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.models,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here"),
]

OPTIONS: dict[str, Any] = {
    "device": "auto", "gradient_checkpointing": True, "learning_rate": 1e-4, "max_steps": 1,
    "lora": {"rank": 16, "alpha": 32},
}  # fmt: skip


def measured(config: TrainConfig, train: Callable[[Any], Path]) -> None:
    plan = dry_run(config)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    began = time.monotonic()
    folder = train(config)
    seconds, peak = time.monotonic() - began, torch.cuda.max_memory_allocated()
    print(  # noqa: T201  # with -s, for docs/performance.md
        f"{type(config).__name__}: {seconds:.0f} s with loading and saving, peak {peak / 1e9:.1f} GB, "
        f"reckoned {plan.memory.total / 1e9:.1f} GB on {torch.cuda.get_device_name()}"
    )
    assert (folder / "adapter_model.safetensors").is_file()
    assert peak < 80e9
    # An estimate that is far off is of no use, to either side.
    assert 0.5 < plan.memory.total / peak < 2


def test_a_step_of_sft(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 2, size=1024)
    config = sft_config(
        folder, full_size("qwen3-vl"), tmp_path / "out", batch=2, per_device_batch=2, **OPTIONS
    )
    measured(config, sft.train)


def test_a_step_of_grpo(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 2, size=768)
    config = grpo_config(
        folder, full_size("qwen3-vl"), tmp_path / "out", batch=8, per_device_batch=2, generations=4,
        max_completion=128, **OPTIONS,
    )  # fmt: skip
    measured(config, grpo.train)

"""What tests of the trainers share: small sets on disk, and a tiny model that answers in form."""

from __future__ import annotations

import functools
import json
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.models import needed
from thinkedit.adapters.protocol import Template
from thinkedit.training.config import GrpoConfig, SftConfig
from thinkedit.training.rows import user_text

__all__ = ["TEMPLATE", "answer", "grpo_config", "kill_at", "sets", "sft_config", "taught", "untaught"]

TEMPLATE = "wanted: {instruction}\ntold: {prompt}\n"
COLOURS = ("red", "green", "blue", "white")


def answer(semantic: float, quality: float, prompt: str) -> str:
    scores = f'{{"semantic": {semantic}, "quality": {quality}}}'
    return f"<think>it is {prompt}</think><score>{scores}</score><answer>make it {prompt}</answer>"


def sets(folder: Path, count: int = 16, *, size: int = 32) -> Path:
    """`sft_train.json` and `rl_train.jsonl` of `count` rows, their pictures and a short template."""
    rng, draw = np.random.RandomState(0), random.Random(0)
    (folder / "images").mkdir(parents=True)
    (folder / "template.txt").write_text(TEMPLATE, encoding="utf-8")
    learnt, tried = [], []
    for number in range(count):
        names = [f"images/{kind}{number}.png" for kind in ("source", "edited")]
        for name in names:
            pixels = rng.randint(0, 255, (size, size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name)
        wanted, told = (f"make it {draw.choice(COLOURS)}" for _ in range(2))
        text = "<image>\n<image>\n" + user_text(wanted, told, Template(TEMPLATE), 8.0)
        said = answer(draw.randint(2, 5), draw.randint(2, 5), draw.choice(COLOURS))
        learnt.append(
            {
                "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": said}],
                "images": names,
            }
        )
        tried.append(
            {
                "origin_prompt": wanted,
                "rewritten_prompt": told,
                "origin_image_path": names[0],
                "edited_image_path": names[1],
                "evaluation": {"semantics": draw.randint(0, 10), "quality": draw.randint(0, 10)},
            }
        )
    (folder / "sft_train.json").write_text("[\n" + ",\n".join(map(json.dumps, learnt)) + "\n]\n")
    (folder / "rl_train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tried))
    return folder


def sft_config(folder: Path, model: Path, output: Path, **other: Any) -> SftConfig:
    given = {
        "model": str(model),
        "data": folder / "sft_train.json",
        "output": output,
        "prompt_template": folder / "template.txt",
        "batch": 8,
        "per_device_batch": 8,
        "learning_rate": 3e-3,
        "device": "cpu",
        "gradient_checkpointing": False,
    }
    return SftConfig.model_validate(given | other)


def grpo_config(folder: Path, model: Path, output: Path, **other: Any) -> GrpoConfig:
    given = {
        "model": str(model),
        "data": folder / "rl_train.jsonl",
        "output": output,
        "prompt_template": folder / "template.txt",
        "batch": 16,
        "per_device_batch": 16,
        "generations": 4,
        "max_completion": 32,
        "learning_rate": 1e-3,
        "device": "cpu",
        "gradient_checkpointing": False,
        "editor": "scripted",
        "judge": "scripted",
    }
    return GrpoConfig.model_validate(given | other)


@functools.cache
def _home() -> Path:
    return Path(tempfile.mkdtemp(prefix="thinkedit-training-"))


@functools.cache
def untaught() -> Path:
    """A model with random weights, of this process: read it, never write into it."""
    needed("torch")
    needed("trl")
    from thinkedit.training.tiny import TinySize, save_tiny

    texts = [user_text("make it red", "make it blue", Template(TEMPLATE), 8.0)]
    texts += [answer(a, b, colour) for a in range(11) for b in range(11) for colour in COLOURS]
    size = TinySize(hidden=64, layers=2, vision=64, vision_layers=1, picture=32, vocabulary=360)
    save_tiny(_home() / "untaught", texts, size=size)
    return _home() / "untaught"


@functools.cache
def taught() -> Path:
    """The same after a short SFT: most of what it says can be read, with scores that vary."""
    from thinkedit.training.sft import train

    folder = sets(_home() / "sets", 64)
    config = sft_config(
        folder, untaught(), _home() / "taught", max_steps=80, save_steps=1000, scheduler="constant",
        freeze_vision=False, freeze_projector=False,
    )  # fmt: skip
    train(config)
    return config.output


def kill_at(step: int, method: str, config: Any, path: Path) -> None:
    """Run it in a process of its own, and kill that without warning once it has told of this step."""
    write(config, path)
    with subprocess.Popen(
        [sys.executable, "-c", RUN.format(method=method), str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(f"step {step}/"):
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL


RUN = """
import runpy, torch
torch.set_num_threads(1)
runpy.run_module("thinkedit.training.{method}", run_name="__main__")
"""


def write(config: Any, path: Path) -> None:
    """The configuration as a file."""
    values = config.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if not isinstance(value, dict)]
    for name, table in values.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

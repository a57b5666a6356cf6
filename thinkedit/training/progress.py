"""What a run says while it goes: a line for each logged step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["line", "say_nothing", "tell"]

SHOWN = {
    "loss": "loss",
    "mean_token_accuracy": "right tokens",
    "reward": "reward",
    "reward_std": "spread",
    "kl": "kl",
    "completions/mean_length": "tokens",
    "completions/clipped_ratio": "cut",
    "grad_norm": "gradient",
    "learning_rate": "lr",
    "step_time": "s/step",
}
"""Values of TRL's logs and what they are called here."""


def say_nothing(_: str) -> None:
    """For callers that want no lines."""


def line(step: int, of: int, logs: Mapping[str, Any]) -> str:
    """`step 10/100  loss 0.531  reward 0.2 …`; values that are not there are left out."""
    parts = [f"step {step}/{of}"]
    for name, called in SHOWN.items():
        if isinstance(value := logs.get(name), int | float):
            parts.append(f"{called} {value:.3g}")
    for name, value in sorted(logs.items()):
        if name.startswith("rewards/") and name.endswith("/mean") and isinstance(value, int | float):
            parts.append(f"{name.split('/')[1]} {value:.3g}")
    return "  ".join(parts)


def tell(trainer: Any, say: Callable[[str], None]) -> None:
    """Let the trainer say its progress so, instead of printing each dictionary of values."""
    from transformers import PrinterCallback, TrainerCallback

    class Telling(TrainerCallback):  # type: ignore[misc]  # transformers has no types
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if state.is_world_process_zero and logs and "train_runtime" not in logs:
                say(line(state.global_step, state.max_steps, logs))

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Telling())

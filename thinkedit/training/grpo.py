"""GRPO of a thinker on real editing feedback: the second of the paper's two stages (section 5).

Method: for each (source, edited, what the user asked, what the editor was told) the model writes several
answers. Of each, the next prompt goes to the editor, and a judge scores what it makes; the reward is a mix
of form, of how near the thinker's scores are to the judge's, and of what the edit gained (`rewards`). An
answer's advantage is its reward beside the others of its group. Learning rate 2e-6, batch 128, 8 answers,
KL 1e-3.

Deviations from the paper and its code: TRL's GRPOTrainer instead of EasyR1; the KL term is there, as in the
paper (the code switches it off); the critic's reward compares with the score of the image that was shown;
batch counts answers, so that 128 are 16 prompts of 8; edits and judgements run many at once, each with a
time limit, and one that fails gives a neutral reward and shifts no other's.

    thinkedit train grpo recipes/editthinker-8b/grpo.toml
    accelerate launch --config_file recipes/editthinker-8b/fsdp.yaml -m thinkedit.training.grpo CONFIG
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from thinkedit.adapters.models import Models
from thinkedit.errors import SettingsError
from thinkedit.training.config import GrpoConfig
from thinkedit.training.data import grpo_dataset
from thinkedit.training.edit_feedback import EditFeedback
from thinkedit.training.grpo_rewards import make_reward_functions
from thinkedit.training.memory import check_room
from thinkedit.training.progress import say_nothing, tell
from thinkedit.training.rows import rl_rows
from thinkedit.training.runs import begin, finish, last_checkpoint
from thinkedit.training.setup import (
    arguments,
    check_enough,
    freeze,
    load_model,
    load_processor,
    lora,
    needed,
    plain,
)
from thinkedit.training.shortage import enough_memory

__all__ = ["train"]


def train(
    config: GrpoConfig,
    *,
    resume: bool = False,
    say: Callable[[str], None] = say_nothing,
    models: Models | None = None,
) -> Path:
    """Train, and return the folder with the model. Blocks for as long as it takes.

    resume: go on from the last whole checkpoint in config.output, in the same order of the data. say: is
    told each line of progress. models: what the names of editor and judge stand for, instead of
    config.models; they are closed in the end. Raises InputError, SettingsError, MissingExtra, ThinkerFailed,
    and EditorFailed or ThinkerFailed where editor or judge are not there when the run starts.
    """
    needed(config)
    if config.vllm is not None and importlib.util.find_spec("vllm") is None:
        raise SettingsError(
            '[vllm] needs vLLM, which is not installed: pip install "trl[vllm]", or leave it out'
        )
    rows = rl_rows(config)
    check_enough(config, len(rows))
    say(f"{len(rows)} samples of {config.data}")
    begin(config, resume=resume, rows=len(rows))
    cache = config.output / f"feedback-{os.environ.get('RANK', '0')}.jsonl"
    with EditFeedback(
        config.editor, config.judge, config.feedback, models=models or Models(config.models), cache=cache
    ) as feedback:
        feedback.check()
        processor = load_processor(config)
        check_room(config)

        from trl import GRPOConfig as Arguments
        from trl import GRPOTrainer

        functions, weights = make_reward_functions(config.reward, feedback, threshold=config.threshold)
        with enough_memory(config), plain():
            # First the arguments: they tell transformers how the launcher deals the weights that are loaded.
            args = Arguments(**arguments(config), **_grpo(config), reward_weights=weights)
            trainer = GRPOTrainer(
                model=load_model(config),
                reward_funcs=functions,
                args=args,
                train_dataset=grpo_dataset(rows, config.max_pixels),
                processing_class=processor,
                peft_config=lora(config),
            )
            tell(trainer, say)
            checkpoint = last_checkpoint(config.output) if resume else None
            if checkpoint is not None:
                freeze(trainer.model, config)
                say(f"goes on from {checkpoint}")
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
            finish(trainer, processor)
        say(counted(feedback))
    return config.output


def counted(feedback: EditFeedback) -> str:
    """What became of the answers, in one line."""
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(feedback.counts.items()))
    calls = ", ".join(f"{name} {count}" for name, count in sorted(feedback.calls.items()))
    return f"answers: {kinds or 'none'}; calls: {calls}"


def _grpo(config: GrpoConfig) -> dict[str, Any]:
    """TRL's arguments of GRPO alone."""
    given: dict[str, Any] = {
        "num_generations": config.generations,
        "num_iterations": config.iterations,
        "beta": config.beta,
        "epsilon": config.clip_low,
        "epsilon_high": config.clip_high,
        "delta": config.clip_dual,
        "loss_type": config.loss,
        "scale_rewards": config.scale,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "top_k": config.top_k,
        "max_completion_length": config.max_completion,
        "mask_truncated_completions": config.mask_truncated,
        "log_completions": config.log_completions,
    }
    if config.vllm is not None:
        given |= {
            "use_vllm": True,
            "vllm_mode": config.vllm.mode,
            "vllm_server_base_url": config.vllm.url if config.vllm.mode == "server" else None,
            "vllm_server_timeout": config.vllm.timeout,
            "vllm_gpu_memory_utilization": config.vllm.memory,
            "vllm_tensor_parallel_size": config.vllm.tensor_parallel,
            "vllm_enable_sleep_mode": config.vllm.sleep,
            "vllm_max_model_length": config.vllm.max_length,
        }
    return given


if __name__ == "__main__":
    from thinkedit.training.launch import launch

    launch(GrpoConfig, train)

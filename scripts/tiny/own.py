"""A checkpoint with a pipeline file of its own, as models come that diffusers does not know yet."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tiny.parts import HIDDEN, attentive, autoencoder, clip_encoder
from tiny.tokens import clip_tokenizer

__all__ = ["custom_pipeline"]

PIPELINE = Path(__file__).parent / "own_pipeline.py"
CLASS = "TinyOwnPipeline"


def custom_pipeline(folder: Path) -> None:
    """The parts in diffusers' layout, model_index.json and pipeline.py."""
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxTransformer2DModel

    tokenizer = clip_tokenizer()
    parts = {
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
        "text_encoder": clip_encoder(tokenizer),
        "tokenizer": tokenizer,
        "transformer": attentive(
            FluxTransformer2DModel(
                in_channels=16,
                num_layers=1,
                num_single_layers=0,
                attention_head_dim=16,
                num_attention_heads=1,
                joint_attention_dim=HIDDEN,
                pooled_projection_dim=HIDDEN,
                axes_dims_rope=(4, 6, 6),
            )
        ),
        "vae": autoencoder(),
    }
    index: dict[str, object] = {"_class_name": CLASS}
    for name, part in parts.items():
        part.save_pretrained(folder / name)
        index[name] = [type(part).__module__.partition(".")[0], type(part).__name__]
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(PIPELINE, folder / "pipeline.py")

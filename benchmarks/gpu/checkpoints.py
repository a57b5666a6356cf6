"""Checkpoints of full size with random weights: FLUX.1 Kontext (12 billion parameters) and Qwen3-VL-8B.

The numbers are those of the models' published configurations. The tokenizers are the tiny ones: a text costs
what its number of tokens costs, whatever they mean. Built on the GPU in bfloat16 and saved once, since the
editor and the thinker load from a folder.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["BYTES", "NAMES", "kontext_parts", "prepared", "qwen3_vl", "tiny_models"]

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = {"editor": "flux-kontext", "thinker": "qwen3-vl"}
BYTES = {"flux-kontext": 34_000_000_000, "qwen3-vl": 17_800_000_000}
"""On disk and in memory, two bytes a parameter."""


def tiny_models() -> ModuleType:
    """scripts/tiny_models.py as a module; its package `tiny` can be imported afterwards."""
    if "tiny_models" not in sys.modules:
        spec = importlib.util.spec_from_file_location("tiny_models", ROOT / "scripts" / "tiny_models.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["tiny_models"] = module
        spec.loader.exec_module(module)
    return sys.modules["tiny_models"]


def kontext_parts(clip: Any, t5: Any) -> dict[str, Callable[[], Any]]:
    """What makes each model of FLUX.1 Kontext, given its two tokenizers."""
    from diffusers import AutoencoderKL, FluxTransformer2DModel
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    clip_config = CLIPTextConfig(
        vocab_size=49408,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        projection_dim=768,
        hidden_act="quick_gelu",
        bos_token_id=clip.bos_token_id,
        eos_token_id=clip.eos_token_id,
        pad_token_id=clip.pad_token_id,
    )
    t5_config = T5Config(
        vocab_size=32128,
        d_model=4096,
        d_kv=64,
        d_ff=10240,
        num_layers=24,
        num_heads=64,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        pad_token_id=t5.pad_token_id,
        eos_token_id=t5.eos_token_id,
    )
    return {
        "transformer": lambda: FluxTransformer2DModel(
            in_channels=64,
            num_layers=19,
            num_single_layers=38,
            attention_head_dim=128,
            num_attention_heads=24,
            joint_attention_dim=4096,
            pooled_projection_dim=768,
            guidance_embeds=True,
            axes_dims_rope=(16, 56, 56),
        ),
        "text_encoder": lambda: CLIPTextModel(clip_config),
        "text_encoder_2": lambda: T5EncoderModel(t5_config),
        "vae": lambda: AutoencoderKL(
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            latent_channels=16,
            norm_num_groups=32,
            sample_size=1024,
            use_quant_conv=False,
            use_post_quant_conv=False,
            shift_factor=0.1159,
            scaling_factor=0.3611,
        ),
    }


def qwen3_vl(tokenizer: Any) -> Callable[[], Any]:
    """What makes Qwen3-VL-8B, given its tokenizer."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    tiny_models()
    from tiny.parts import special_ids

    config = Qwen3VLConfig(
        text_config={
            "vocab_size": 151936,
            "hidden_size": 4096,
            "intermediate_size": 12288,
            "num_hidden_layers": 36,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "max_position_embeddings": 262144,
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [24, 20, 20],
                "mrope_interleaved": True,
                "rope_theta": 5_000_000.0,
            },
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": False,
        },
        vision_config={
            "depth": 27,
            "hidden_size": 1152,
            "intermediate_size": 4304,
            "num_heads": 16,
            "patch_size": 16,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "out_hidden_size": 4096,
            "num_position_embeddings": 2304,
            "deepstack_visual_indexes": [8, 16, 24],
        },
        tie_word_embeddings=False,
        **special_ids(tokenizer),
    )
    return lambda: Qwen3VLForConditionalGeneration(config)


def prepared(name: str, models: Path, *, tiny: bool = False, say: Callable[[str], None] = print) -> Path:
    """The folder of a checkpoint, built where it is not there yet. OSError where the disk is too full."""
    folder = models / (f"tiny-{name}" if tiny else name)
    if folder.is_dir():
        return folder
    models.mkdir(parents=True, exist_ok=True)
    unfinished = models / f"{folder.name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    free = shutil.disk_usage(models).free
    if not tiny and free < BYTES[name] * 1.05:
        raise OSError(
            f"{models} has {free / 1e9:.0f} GB free and {name} takes {BYTES[name] / 1e9:.0f} GB:"
            " name another folder with --models"
        )
    if tiny:
        tiny_models().build(name, unfinished)
    else:
        say(f"building {name}: {BYTES[name] / 1e9:.0f} GB into {folder}")
        {"flux-kontext": _save_kontext, "qwen3-vl": _save_qwen3_vl}[name](unfinished)
    unfinished.rename(folder)
    return folder


def _on_gpu() -> AbstractContextManager[Any]:
    """Models made inside have bfloat16 weights, random ones, on the GPU."""
    import contextlib

    import torch

    @contextlib.contextmanager
    def making() -> Any:
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.bfloat16)
        torch.manual_seed(0)
        try:
            with torch.device("cuda"):
                yield
        finally:
            torch.set_default_dtype(before)

    return making()


def _save_kontext(folder: Path) -> None:
    import torch
    from diffusers import FluxKontextPipeline

    tiny_models()
    from tiny.parts import flow_scheduler
    from tiny.tokens import clip_tokenizer, t5_tokenizer

    clip, t5 = clip_tokenizer(), t5_tokenizer()
    with _on_gpu():
        models = {name: make() for name, make in kontext_parts(clip, t5).items()}
    FluxKontextPipeline(
        scheduler=flow_scheduler(shift=3.0), tokenizer=clip, tokenizer_2=t5, **models
    ).save_pretrained(folder)
    del models
    torch.cuda.empty_cache()


def _save_qwen3_vl(folder: Path) -> None:
    import torch
    from transformers import GenerationConfig

    tiny_models()
    from tiny.thinkers import save_processor
    from tiny.tokens import qwen_tokenizer

    tokenizer = qwen_tokenizer()
    with _on_gpu():
        model = qwen3_vl(tokenizer)()
    model.generation_config = GenerationConfig(
        eos_token_id=[tokenizer.eos_token_id, tokenizer.pad_token_id], pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(folder)
    save_processor(tokenizer, folder, smallest=256 * 256, largest=4096 * 4096)
    del model
    torch.cuda.empty_cache()

"""What several tiny pipelines share: text encoders, autoencoders, the processor of Qwen2.5-VL."""

from __future__ import annotations

from typing import Any

from tiny.tokens import CHAT_TEMPLATE

__all__ = [
    "attentive",
    "autoencoder",
    "clip_encoder",
    "flow_scheduler",
    "qwen_processor",
    "qwen_vl_encoder",
    "special_ids",
]

HIDDEN = 32


def attentive(transformer: Any, *, sharp: float = 4.0, loud: float = 4.0) -> Any:
    """The same transformer, listening: random weights average over source and prompt until neither is seen.

    sharp scales what queries and keys are normalised to, loud what attention reads and writes.
    """
    import torch

    with torch.no_grad():
        for name, weight in transformer.named_parameters():
            if any(part in name for part in ("norm_q", "norm_k", "norm_added")):
                weight.mul_(sharp)
            elif any(part in name for part in ("to_v", "add_v", "to_out", "x_embedder", "img_in", "txt_in")):
                weight.mul_(loud)
    return transformer


def special_ids(tokenizer: Any) -> dict[str, int]:
    """The token ids by which a Qwen-VL configuration knows where pictures stand."""
    names = ("image_pad", "video_pad", "vision_start", "vision_end")
    keys = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    return {
        key: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for key, name in zip(keys, names, strict=True)
    }


def clip_encoder(tokenizer: Any) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=HIDDEN,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def autoencoder(*, latents: int = 4, halvings: int = 3, quant: bool = False) -> Any:
    """An AutoencoderKL that halves the picture `halvings` times; without attention, which is slow at 1024."""
    from diffusers import AutoencoderKL

    widths = (8, 8, 16, 16)[-halvings - 1 :]
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * len(widths),
        up_block_types=["UpDecoderBlock2D"] * len(widths),
        block_out_channels=widths,
        layers_per_block=1,
        latent_channels=latents,
        norm_num_groups=4,
        sample_size=64,
        use_quant_conv=quant,
        use_post_quant_conv=quant,
        mid_block_add_attention=False,
        shift_factor=None if quant else 0.1159,
        scaling_factor=0.18215 if quant else 0.3611,
    )


def flow_scheduler(**options: Any) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, **options)


def qwen_processor(tokenizer: Any) -> Any:
    """Qwen2.5-VL's processor; pictures are brought down to four tokens each."""
    from transformers import Qwen2VLImageProcessor, Qwen2VLProcessor, Qwen2VLVideoProcessor

    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=CHAT_TEMPLATE,
    )


def qwen_vl_encoder(tokenizer: Any) -> Any:
    """Qwen2.5-VL, which reads prompt and picture in the pipelines of Qwen-Image-Edit and LongCat."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": HIDDEN,
            "intermediate_size": 2 * HIDDEN,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "max_position_embeddings": 32768,
            "rope_parameters": {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 1e6},
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={
            "depth": 2,
            "hidden_size": HIDDEN,
            "intermediate_size": 2 * HIDDEN,
            "num_heads": 2,
            "out_hidden_size": HIDDEN,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 112,
            "fullatt_block_indexes": [1],
        },
        **special_ids(tokenizer),
    )
    return Qwen2_5_VLForConditionalGeneration(config)

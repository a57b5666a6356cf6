"""Tiny editing pipelines of diffusers: the real classes, with widths at which a CPU takes a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tiny.parts import (
    HIDDEN,
    attentive,
    autoencoder,
    clip_encoder,
    flow_scheduler,
    qwen_processor,
    qwen_vl_encoder,
)
from tiny.tokens import clip_tokenizer, qwen_tokenizer, t5_tokenizer

__all__ = ["flux2_klein", "flux_kontext", "instruct_pix2pix", "longcat", "qwen_edit", "qwen_edit_plus"]

HEADS = {"num_layers": 1, "num_single_layers": 1, "attention_head_dim": 16, "num_attention_heads": 1}


def flux_kontext(folder: Path) -> None:
    """FLUX.1 Kontext: CLIP and T5, one double and one single layer, four latent channels."""
    from diffusers import FluxKontextPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    clip, t5 = clip_tokenizer(), t5_tokenizer()
    FluxKontextPipeline(
        scheduler=flow_scheduler(shift=3.0),
        vae=autoencoder(),
        text_encoder=clip_encoder(clip),
        tokenizer=clip,
        text_encoder_2=T5EncoderModel(
            T5Config(
                vocab_size=len(t5),
                d_model=HIDDEN,
                d_kv=8,
                d_ff=2 * HIDDEN,
                num_layers=2,
                num_heads=4,
                feed_forward_proj="gated-gelu",
                tie_word_embeddings=False,
            )
        ),
        tokenizer_2=t5,
        transformer=attentive(
            FluxTransformer2DModel(
                in_channels=16,
                joint_attention_dim=HIDDEN,
                pooled_projection_dim=HIDDEN,
                guidance_embeds=True,
                axes_dims_rope=(4, 6, 6),
                **HEADS,
            )
        ),
    ).save_pretrained(folder)


def flux2_klein(folder: Path) -> None:
    """FLUX.2 klein, distilled. It reads layers 9, 18 and 27 of its Qwen3, so that has as many, but thin."""
    from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline, Flux2Transformer2DModel
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = qwen_tokenizer()
    width = 16
    encoder = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=width,
        num_hidden_layers=28,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=1024,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    Flux2KleinPipeline(
        scheduler=flow_scheduler(),
        vae=AutoencoderKLFlux2(
            block_out_channels=(8, 8, 16, 16),
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=4,
            sample_size=64,
            mid_block_add_attention=False,
        ),
        text_encoder=Qwen3ForCausalLM(encoder),
        tokenizer=tokenizer,
        transformer=attentive(
            Flux2Transformer2DModel(
                in_channels=16,
                joint_attention_dim=3 * width,
                axes_dims_rope=(4, 4, 4, 4),
                guidance_embeds=False,
                **HEADS,
            )
        ),
        is_distilled=True,
    ).save_pretrained(folder)


def _qwen_edit(pipeline: Any, folder: Path) -> None:
    import torch
    from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel

    tokenizer = qwen_tokenizer()
    latents = 4
    vae = AutoencoderKLQwenImage(
        base_dim=2,
        z_dim=latents,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * latents,
        latents_std=[1.0] * latents,
    )
    with torch.no_grad():
        vae.decoder.conv_out.weight.mul_(4)  # its random pictures are a flat grey
    pipeline(
        scheduler=flow_scheduler(
            base_image_seq_len=256,
            base_shift=0.5,
            max_image_seq_len=8192,
            max_shift=0.9,
            shift_terminal=0.02,
            time_shift_type="exponential",
        ),
        vae=vae,
        text_encoder=qwen_vl_encoder(tokenizer),
        tokenizer=tokenizer,
        processor=qwen_processor(tokenizer),
        transformer=attentive(
            QwenImageTransformer2DModel(
                in_channels=4 * latents,
                out_channels=latents,
                num_layers=1,
                attention_head_dim=16,
                num_attention_heads=1,
                joint_attention_dim=HIDDEN,
                axes_dims_rope=(4, 6, 6),
            )
        ),
    ).save_pretrained(folder)


def qwen_edit(folder: Path) -> None:
    """Qwen-Image-Edit, the first one: one picture."""
    from diffusers import QwenImageEditPipeline

    _qwen_edit(QwenImageEditPipeline, folder)


def qwen_edit_plus(folder: Path) -> None:
    """Qwen-Image-Edit-2509 and -2511: several pictures, one prompt."""
    from diffusers import QwenImageEditPlusPipeline

    _qwen_edit(QwenImageEditPlusPipeline, folder)


def longcat(folder: Path) -> None:
    """LongCat-Image-Edit; its pipeline expects 16 latent channels."""
    from diffusers import LongCatImageEditPipeline, LongCatImageTransformer2DModel

    tokenizer = qwen_tokenizer()
    LongCatImageEditPipeline(
        scheduler=flow_scheduler(),
        vae=autoencoder(latents=16),
        text_encoder=qwen_vl_encoder(tokenizer),
        tokenizer=tokenizer,
        text_processor=qwen_processor(tokenizer),
        transformer=attentive(
            LongCatImageTransformer2DModel(
                in_channels=64,
                joint_attention_dim=HIDDEN,
                pooled_projection_dim=HIDDEN,
                axes_dims_rope=[4, 6, 6],
                **HEADS,
            )
        ),
    ).save_pretrained(folder)


def instruct_pix2pix(folder: Path) -> None:
    """InstructPix2Pix: Stable Diffusion's UNet with the source beside the noise."""
    from diffusers import (
        EulerAncestralDiscreteScheduler,
        StableDiffusionInstructPix2PixPipeline,
        UNet2DConditionModel,
    )

    clip = clip_tokenizer()
    StableDiffusionInstructPix2PixPipeline(
        vae=autoencoder(quant=True),
        text_encoder=clip_encoder(clip),
        tokenizer=clip,
        unet=UNet2DConditionModel(
            block_out_channels=(16, 32),
            layers_per_block=1,
            sample_size=32,
            in_channels=8,
            out_channels=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=HIDDEN,
            attention_head_dim=1,  # diffusers reads this as the number of heads
            norm_num_groups=4,
        ),
        scheduler=EulerAncestralDiscreteScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)

"""Quantised loading: the configuration objects of diffusers and transformers for one short name.

int8, int4 and fp8 are weight-only by torchao; nf4 is by bitsandbytes (4 bits, CUDA). Only the large parts are
quantised: a transformer or U-Net and the language models; an autoencoder keeps its precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thinkedit.adapters.require import require

__all__ = ["QUANTIZED_PARTS", "model_quantization", "pipeline_quantization"]

QUANTIZED_PARTS = ("transformer", "transformer_2", "unet", "text_encoder_2", "text_encoder")
"""Parts of a pipeline that are quantised where it has them and they are large."""


def pipeline_quantization(name: str, parts: Sequence[str], dtype: Any) -> Any:
    """A diffusers PipelineQuantizationConfig for these parts. MissingExtra where its package is missing.

    dtype: the torch type that the rest computes in.
    """
    from diffusers import BitsAndBytesConfig, PipelineQuantizationConfig, TorchAoConfig

    made = {}
    for part in parts:
        if part.startswith("text_encoder"):  # a transformers model, which wants transformers' own class
            made[part] = model_quantization(name, dtype)
        elif name == "nf4":
            require("quantization = 'nf4'", "bitsandbytes")
            made[part] = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
            )
        else:
            made[part] = TorchAoConfig(_torchao(name))
    return PipelineQuantizationConfig(quant_mapping=made)


def model_quantization(name: str, dtype: Any) -> Any:
    """A transformers quantisation config. MissingExtra where its package is missing."""
    from transformers import BitsAndBytesConfig, TorchAoConfig

    if name == "nf4":
        require("quantization = 'nf4'", "bitsandbytes")
        return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
    return TorchAoConfig(_torchao(name))


def _torchao(name: str) -> Any:
    require(f"quantization = {name!r}", "torchao")
    from torchao.quantization import Float8WeightOnlyConfig, Int4WeightOnlyConfig, Int8WeightOnlyConfig

    return {"int8": Int8WeightOnlyConfig, "int4": Int4WeightOnlyConfig, "fp8": Float8WeightOnlyConfig}[name]()

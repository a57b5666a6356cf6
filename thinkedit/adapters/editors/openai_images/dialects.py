"""How servers differ that speak OpenAI's images API: the names of their fields, and the sizes they take.

From the documentation and sources of OpenAI (client 3.54), vLLM-Omni, SGLang-Diffusion and LocalAI, as they
were in November 2026. LocalAI has no `/images/edits`: it edits where `/images/generations` is given pictures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from thinkedit.adapters.sizing import canvas_for
from thinkedit.errors import SettingsError

__all__ = ["DIALECTS", "OPENAI", "Dialect", "Sizes", "dialect_for", "picture_types", "sizes_for"]

OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Sizes:
    """Which canvases a model takes; see `canvas_for` for the meaning of each."""

    area: int = 1024 * 1024
    multiple: int = 16
    longest: int | None = 4096
    widest: float | None = 4.0
    allowed: tuple[tuple[int, int], ...] | None = None

    def canvas(self, size: tuple[int, int]) -> tuple[int, int]:
        """The (width, height) on which a picture of `size` is sent."""
        return canvas_for(
            size,
            area=self.area if self.allowed is None else None,
            multiple=self.multiple,
            longest=self.longest,
            allowed=self.allowed,
            widest=self.widest,
        )


@dataclass(frozen=True)
class Dialect:
    """names: of the editor's options, the field that each becomes; what is not named is not taken.

    always: fields of every request. together: whether candidates go in one call, with `n`; else each in its
    own, with its own seed. most, pictures: of one call, out and in.
    """

    name: str
    names: Mapping[str, str]
    always: Mapping[str, Any] = field(default_factory=dict)
    together: bool = False
    most: int = 10
    pictures: int = 16
    mask: bool = False
    way: Literal["edits", "generations"] = "edits"
    sizes: Sizes = Sizes()


DIFFUSION = {
    "seed": "seed",
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "true_guidance": "true_cfg_scale",
    "negative_prompt": "negative_prompt",
}

DIALECTS: dict[str, Dialect] = {
    "openai": Dialect(
        name="openai",
        names={},
        always={"output_format": "png"},
        together=True,
        mask=True,
        # 2.9 leaves room for the rounding of sides: the servers refuse what is longer than 3 to 1.
        sizes=Sizes(area=1536 * 1024, longest=3840, widest=2.9),
    ),
    "vllm-omni": Dialect(
        name="vllm-omni",
        names=DIFFUSION,
        always={"response_format": "b64_json", "output_format": "png"},
    ),
    "sglang": Dialect(
        name="sglang",
        names=DIFFUSION,
        always={"response_format": "b64_json", "output_format": "png"},
    ),
    "localai": Dialect(
        name="localai",
        names={"seed": "seed", "steps": "step", "negative_prompt": "|"},
        always={"response_format": "b64_json"},
        way="generations",
        sizes=Sizes(multiple=64),
    ),
    "generic": Dialect(name="generic", names=DIFFUSION, always={"response_format": "b64_json"}, mask=True),
}

STANDARD = ((1024, 1024), (1536, 1024), (1024, 1536))
SQUARES = ((256, 256), (512, 512), (1024, 1024))


def dialect_for(name: str | None, base_url: str, model: str) -> Dialect:
    """The dialect of that name; without one, OpenAI's for its servers and models, else the generic one."""
    if name is not None:
        if name not in DIALECTS:
            raise SettingsError(f"dialect is {name!r}: give one of {', '.join(DIALECTS)}")
        return DIALECTS[name]
    host = urlsplit(base_url).hostname or ""
    theirs = host == "api.openai.com" or host.endswith(".openai.azure.com")
    theirs = theirs or re.match(r"(gpt-image|chatgpt-image|dall-e)-", model.rpartition("/")[2]) is not None
    return DIALECTS["openai" if theirs else "generic"]


def sizes_for(dialect: Dialect, model: str, size: Any, area: int | None) -> Sizes:
    """The sizes of a model.

    size: the user's `WIDTHxHEIGHT` or a list of them: the only ones that the server takes; None or `auto` for
    what is known of the model. area: pixels instead of the dialect's own.
    """
    if size is not None and size != "auto":
        given = [size] if isinstance(size, str) else size
        if not isinstance(given, list | tuple) or not given:
            raise SettingsError(
                f"size is {size!r}: give WIDTHxHEIGHT such as 1536x1024, a list of them, or auto"
            )
        return replace(dialect.sizes, allowed=tuple(_size(one) for one in given))
    if dialect.name == "openai" and (known := _openai(model)) is not None:
        if area is not None:
            raise SettingsError(f"area is {area}, but {model} has sizes of its own: leave area out")
        return replace(dialect.sizes, allowed=known)
    return dialect.sizes if area is None else replace(dialect.sizes, area=area)


def _openai(model: str) -> tuple[tuple[int, int], ...] | None:
    """The sizes that this model has; None where it takes any, as gpt-image-2 and later do."""
    model = model.rpartition("/")[2]
    if model.startswith("dall-e-"):
        return SQUARES
    version = re.match(r"gpt-image-(\d+)", model)
    return None if version and int(version[1]) >= 2 else STANDARD


def picture_types(model: str) -> tuple[str, ...]:
    """MIME types of pictures that the model takes."""
    png = ("image/png",)
    return png if model.rpartition("/")[2].startswith("dall-e-") else (*png, "image/jpeg")


def _size(text: Any) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d{1,5})\s*[xX×]\s*(\d{1,5})\s*", text) if isinstance(text, str) else None
    if not found or min(int(found[1]), int(found[2])) < 1:
        raise SettingsError(f"size holds {text!r}: give WIDTHxHEIGHT, such as 1536x1024")
    return int(found[1]), int(found[2])

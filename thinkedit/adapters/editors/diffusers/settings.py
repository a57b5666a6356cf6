"""What a user can set of a diffusers editor, checked when it is named and before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from thinkedit.adapters.local.loading import named
from thinkedit.adapters.local.placement import Wanted
from thinkedit.errors import SettingsError

__all__ = ["Settings"]

SMALLEST_AREA = 16 * 16


@dataclass(frozen=True)
class Settings:
    """See `DiffusersEditor` for the meaning of each."""

    model: str
    steps: int | None = None
    guidance: float | None = None
    true_guidance: float | None = None
    image_guidance: float | None = None
    negative_prompt: str | None = None
    area: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 4
    window: float = 0.02
    wanted: Wanted = field(default_factory=Wanted)
    loras: tuple[str, ...] = ()
    lora_scales: tuple[float, ...] = ()
    revision: str | None = None
    variant: str | None = None
    custom_pipeline: str | None = None
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.model, str) or not self.model.strip():
            raise SettingsError(
                f"the editor 'diffusers' has the model {self.model!r}: name a folder or an id"
            )
        _at_least("steps", self.steps, 1, whole=True)
        _at_least("batch", self.batch, 1, whole=True)
        _at_least("window", self.window, 0)
        for name in ("guidance", "true_guidance", "image_guidance"):
            _at_least(name, getattr(self, name), 0)
        _at_least("area", self.area, SMALLEST_AREA, whole=True)
        if not isinstance(self.extra, Mapping):
            raise SettingsError(f"extra is {self.extra!r}: give a table of the pipeline's further arguments")
        if self.custom_pipeline is not None and not self.trust_remote_code:
            raise SettingsError(
                f"custom_pipeline is {self.custom_pipeline!r}, whose code would run on this machine: read "
                "it, then set trust_remote_code = true"
            )

    @property
    def identity(self) -> str:
        """Model and settings, as far as they change pictures; never where the model lies or runs."""
        named_parts = [named(self.model, self.revision)]
        values = {
            "variant": self.variant,
            "steps": self.steps,
            "guidance": self.guidance,
            "true_guidance": self.true_guidance,
            "image_guidance": self.image_guidance,
            "negative_prompt": self.negative_prompt,
            "area": self.area,
            "dtype": self.wanted.dtype,
            "quantization": self.wanted.quantization,
            "cache": self.wanted.cache,
            "lora": "+".join(
                f"{named(lora)}*{scale:g}" for lora, scale in zip(self.loras, self.lora_scales, strict=True)
            ),
            "extra": dict(sorted(self.extra.items())) or None,
        }
        named_parts += [f"{name}={value}" for name, value in values.items() if value not in (None, "")]
        return f"diffusers({', '.join(named_parts)})"


def as_tuple(name: str, value: str | Sequence[str] | None) -> tuple[str, ...]:
    """A setting that is one text or a list of texts."""
    if value is None:
        return ()
    given = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(item, str) and item for item in given):
        raise SettingsError(f"{name} is {value!r}: give a text or a list of texts")
    return given


def _at_least(name: str, value: object, least: float, *, whole: bool = False) -> None:
    if value is None:
        return
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or value < least:  # type: ignore[operator]
        raise SettingsError(
            f"{name} is {value!r}: give {'a whole number' if whole else 'a number'} of {least} or more"
        )

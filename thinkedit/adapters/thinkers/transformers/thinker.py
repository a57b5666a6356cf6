"""The thinker `transformers`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from anyio.to_thread import run_sync
from numpy.typing import NDArray

from thinkedit.adapters.local.loading import named
from thinkedit.adapters.local.placement import Wanted
from thinkedit.adapters.local.replicas import Replicas, devices_of
from thinkedit.adapters.require import require
from thinkedit.adapters.sizing import lay
from thinkedit.adapters.thinkers.transformers.asking import AskingThinker, Question, Reply
from thinkedit.adapters.thinkers.transformers.load import load_model
from thinkedit.adapters.thinkers.transformers.model import Ask, Model, Settings
from thinkedit.errors import SettingsError, ThinkerFailed
from thinkedit.images import Picture

__all__ = ["OWN_TEMPLATE", "TransformersThinker", "shown"]

OWN_TEMPLATE = "prompt_template.txt"
"""The prompt that a model was trained with, in its folder, where it was not the loop's own."""


class TransformersThinker(AskingThinker):
    """A vision-language model of transformers in this process: EditThinker-8B, Qwen3-VL and others.

        thinker = TransformersThinker("Qwen/Qwen3-VL-8B-Instruct")

    model: a folder, or an id of the Hugging Face Hub, that `AutoModelForImageTextToText` loads.
    prompt_template, score_range, corrective_retry: see `AskingThinker`; a model's own prompt, if its folder
        has an OWN_TEMPLATE, goes over the loop's.
    temperature: 0 is greedy. look_temperature: for the second and further looks at one image.
    max_tokens: of one answer. max_pixels: of each picture; larger ones are reduced.
    constrained: let the model write nothing but well-formed answers; small models need it.
    batch: questions in one pass at most; window: seconds to wait for company to a question.
    device (or devices, one copy on each), dtype, placement, quantization, attention: see `local.placement`.

    The model is loaded at the first use and stays loaded.
    """

    def __init__(
        self,
        model: str,
        *,
        prompt_template: str | None = None,
        score_range: int = 10,
        corrective_retry: bool = True,
        temperature: float = 0.0,
        look_temperature: float = 0.7,
        max_tokens: int = 2048,
        max_pixels: int = 1024 * 1024,
        constrained: bool = False,
        batch: int = 8,
        window: float = 0.02,
        device: str | None = None,
        devices: Sequence[str] | None = None,
        dtype: str | None = None,
        placement: str | None = None,
        quantization: str | None = None,
        attention: str | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        if prompt_template is None and isinstance(model, str):
            own = Path(model).expanduser() / OWN_TEMPLATE
            prompt_template = str(own) if own.is_file() else None
        super().__init__(
            prompt_template=prompt_template, score_range=score_range, corrective_retry=corrective_retry
        )
        require("the thinker 'transformers'", "torch", "torchvision", "transformers", "accelerate")
        if not isinstance(model, str) or not model.strip():
            raise SettingsError(f"the thinker 'transformers' has the model {model!r}: name a folder or an id")
        for name, value, least in (
            ("max_tokens", max_tokens, 1), ("max_pixels", max_pixels, 32 * 32), ("batch", batch, 1),
            ("temperature", temperature, 0), ("look_temperature", look_temperature, 0), ("window", window, 0),
        ):  # fmt: skip
            if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
                raise SettingsError(f"{name} is {value!r}: give a number of {least} or more")
        self._settings = Settings(
            model=model,
            max_tokens=int(max_tokens),
            temperature=float(temperature),
            look_temperature=float(look_temperature),
            constrained=bool(constrained),
            score_range=score_range,
            wanted=Wanted(dtype, placement, quantization, attention),
            revision=revision,
            trust_remote_code=trust_remote_code,
        )
        self._max_pixels = int(max_pixels)
        self._replicas: Replicas[Model, Ask, Reply] = Replicas(
            devices_of(device, devices),
            lambda where: load_model(self._settings, where),
            lambda loaded, work: loaded.answers(work),
            failed=ThinkerFailed,
            # Greedy answers do not depend on company; sampled ones would.
            together=lambda ask: None if ask.temperature else ask.form,
            most=int(batch),
            window=window,
            name=f"transformers {model}",
        )
        self.identity = _identity(self._settings, self._max_pixels, corrective_retry)

    @property
    def passes(self) -> int:
        """Generations so far; several questions may share one."""
        return self._replicas.passes

    async def ask(self, question: Question) -> Reply:
        settings = self._settings
        pictures = await run_sync(
            lambda: tuple(shown(picture, self._max_pixels) for picture in question.pictures)
        )
        sampled = settings.temperature or (settings.look_temperature if question.look else 0.0)
        ask = Ask(pictures, question.messages, question.form, sampled, question.look)
        return await self._replicas.submit(ask)

    async def check(self) -> None:
        """Load the model. ThinkerFailed, SettingsError or MissingExtra where it cannot be."""
        await self._replicas.check()

    async def describe(self) -> list[str]:
        """Class, device and memory as they were decided, with the reasons."""
        return await self._replicas.describe()

    async def aclose(self) -> None:
        await self._replicas.aclose()


def shown(picture: Picture, max_pixels: int) -> NDArray[np.uint8]:
    """The picture as the model sees it: RGB on white, of at most `max_pixels`."""
    size = picture.size
    if size[0] * size[1] > max_pixels:
        scale = (max_pixels / (size[0] * size[1])) ** 0.5
        size = max(int(size[0] * scale), 1), max(int(size[1] * scale), 1)
    return lay(picture, size).pixels


def _identity(settings: Settings, max_pixels: int, corrective: bool) -> str:
    values: dict[str, Any] = {
        "temperature": settings.temperature or None,
        "look_temperature": None if settings.look_temperature == 0.7 else settings.look_temperature,
        "max_tokens": settings.max_tokens,
        "max_pixels": max_pixels,
        "range": settings.score_range,
        "constrained": settings.constrained or None,
        "corrective": None if corrective else "no",
        "dtype": settings.wanted.dtype,
        "quantization": settings.wanted.quantization,
    }
    parts = [named(settings.model, settings.revision)]
    parts += [f"{name}={value}" for name, value in values.items() if value is not None]
    return f"transformers({', '.join(parts)})"

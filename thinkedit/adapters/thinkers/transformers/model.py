"""One loaded vision-language model on one device: found, placed, loaded, and asked in batches."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.local.libraries import quiet, release
from thinkedit.adapters.local.loading import loading, parameters_in, resolve
from thinkedit.adapters.local.placement import BYTES, Decision, Wanted, decide, look
from thinkedit.adapters.local.quantization import model_quantization
from thinkedit.adapters.local.residency import residency_of
from thinkedit.adapters.local.worker import Pass
from thinkedit.adapters.thinkers.transformers.asking import Form, Message, Reply
from thinkedit.adapters.thinkers.transformers.constrained import (
    Grammar,
    Vocabulary,
    free_scores,
    grammar_for,
    processor_for,
)
from thinkedit.errors import ThinkerFailed
from thinkedit.types import Usage

__all__ = ["Ask", "Model", "Settings", "load_model"]

log = logging.getLogger("thinkedit.models")

END = "</answer>"
WEIGHTS_ELSEWHERE = ["*.bin", "*.pt", "*.pth", "*.gguf", "*.onnx", "original/*", "*.h5", "*.msgpack"]
"""Copies of the weights in other forms, which are not downloaded."""


@dataclass(frozen=True)
class Settings:
    """See `TransformersThinker` for the meaning of each."""

    model: str
    max_tokens: int
    temperature: float
    look_temperature: float
    constrained: bool
    score_range: int
    wanted: Wanted
    revision: str | None
    trust_remote_code: bool


@dataclass(frozen=True)
class Ask:
    """One question, its pictures reduced already. temperature 0: greedy; else `seed` is drawn from."""

    pictures: tuple[NDArray[np.uint8], ...]
    messages: tuple[Message, ...]
    form: Form
    temperature: float
    seed: int


class Model:
    """A loaded model; belongs to its worker's thread. `Resident` for the device's residency."""

    def __init__(
        self, model: Any, processor: Any, decision: Decision, settings: Settings, name: str, size: int
    ) -> None:
        self.model = model
        self.processor = processor
        self.decision = decision
        self.settings = settings
        self.name = name
        self.size = size
        self._vocabulary: Vocabulary | None = None
        self._grammars: dict[Form, Grammar] = {}
        self._free: Any = None

    def to_device(self) -> None:
        if self.decision.placement == "device" and self.decision.quantization != "nf4":
            self.model.to(self.decision.device)

    def to_host(self) -> None:
        if self.decision.placement == "device" and self.decision.quantization != "nf4":
            self.model.to("cpu")
        release(self.decision.device)

    def close(self) -> None:
        """Give its memory back for good."""
        self.model = self._free = None
        release(self.decision.device)

    def lines(self) -> list[str]:
        """What was decided in loading, a line each."""
        form = "only well-formed answers can be written" if self.settings.constrained else "answers are free"
        way = f"sampled at {self.settings.temperature:g}" if self.settings.temperature else "greedy"
        return [
            *self.decision.lines(),
            f"{type(self.model).__name__}, {way}, at most {self.settings.max_tokens} tokens; {form}",
        ]

    def answers(self, work: Pass[Ask]) -> list[Reply]:
        """An answer for each question of the pass; greedy ones are what each would get by itself."""
        import torch
        from transformers import StoppingCriteriaList

        asks = work.items
        inputs = self._inputs(asks)
        length = inputs["input_ids"].shape[1]
        first = asks[0]
        options: dict[str, Any] = {
            "generation_config": self._generation(first.temperature),
            "stopping_criteria": StoppingCriteriaList([_Stop(self.processor.tokenizer, work, length)]),
        }
        if self.settings.constrained:
            options["logits_processor"] = [self._constraint(first.form, length, len(asks))]
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            if first.temperature:
                stack.enter_context(torch.random.fork_rng())
                torch.manual_seed(first.seed)
            written = self.model.generate(**inputs, **options)[:, length:].cpu()
        tokenizer = self.processor.tokenizer
        ends = {tokenizer.eos_token_id, tokenizer.pad_token_id}
        replies = []
        for row, tokens in enumerate(written.tolist()):
            text = str(tokenizer.decode(tokens, skip_special_tokens=True))
            if END in text:  # a row that ended sooner was kept company by what it would have said next
                text = text[: text.index(END) + len(END)]
            usage = Usage(
                input_tokens=int(inputs["attention_mask"][row].sum()),
                output_tokens=sum(token not in ends for token in tokens),
            )
            replies.append(Reply(text, usage))
        return replies

    def _inputs(self, asks: Sequence[Ask]) -> Any:
        from PIL import Image

        conversations = []
        for ask in asks:
            pictures = [{"type": "image", "image": Image.fromarray(pixels)} for pixels in ask.pictures]
            conversations.append(
                [
                    {
                        "role": message.role,
                        "content": [
                            *(pictures if number == 0 else []),
                            {"type": "text", "text": message.text},
                        ],
                    }
                    for number, message in enumerate(ask.messages)
                ]
            )
        inputs = self.processor.apply_chat_template(
            conversations,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        )
        device = self.decision.device if self.decision.placement == "device" else self.model.device
        return inputs.to(device)

    def _generation(self, temperature: float) -> Any:
        """The checkpoint's own configuration, with the sampling that we were told."""
        from copy import deepcopy

        made = deepcopy(self.model.generation_config)
        made.max_new_tokens, made.max_length = self.settings.max_tokens, None
        made.do_sample = bool(temperature)
        made.temperature = temperature or None
        if not temperature:
            made.top_p = made.top_k = made.min_p = None
        if made.pad_token_id is None:
            made.pad_token_id = self.processor.tokenizer.pad_token_id or self.processor.tokenizer.eos_token_id
        return made

    def _constraint(self, form: Form, length: int, rows: int) -> Any:
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self.processor.tokenizer)
        if form not in self._grammars:
            self._grammars[form] = grammar_for(
                self._vocabulary, form, self.settings.score_range, self.settings.max_tokens
            )
        vocabulary, process = self._vocabulary, None

        def constrain(input_ids: Any, scores: Any) -> Any:
            nonlocal process
            if self._free is None or self._free.device != scores.device or self._free.dtype != scores.dtype:
                self._free = free_scores(vocabulary, scores.shape[1], scores)
            if process is None:
                process = processor_for(self._grammars[form], length, rows, self._free)
            return process(input_ids, scores)

        return constrain


class _Stop:
    """Ends a row behind its answer, and the pass where nobody waits for it any more."""

    def __init__(self, tokenizer: Any, work: Pass[Ask], length: int) -> None:
        self._tokenizer = tokenizer
        self._work = work
        self._length = length
        self._ended = [False] * len(work.items)

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        import torch

        self._work.step(input_ids.shape[1] - self._length, 0, "tokens")
        # The end tag is a few tokens long, however the tokenizer cuts it.
        tails = input_ids[:, max(self._length, input_ids.shape[1] - 12) :].tolist()
        for row, tail in enumerate(tails):
            if not self._ended[row]:
                done = END in self._tokenizer.decode(tail)
                self._ended[row] = done or not self._work.waited_for(row)
        return torch.tensor(self._ended, device=input_ids.device)


def load_model(settings: Settings, device: str | None) -> Model:
    """Load checkpoint and processor and prepare them for `device`. Takes seconds to minutes; in a thread.

    Raises ThinkerFailed with one clear line, SettingsError and MissingExtra.
    """
    import torch
    from transformers import AutoModelForImageTextToText

    machine = look(device)
    checkpoint = resolve(settings.model, "config.json", settings.revision, ThinkerFailed)
    name = checkpoint.name
    with loading(name, ThinkerFailed), quiet("transformers"):
        folder = checkpoint.folder or _downloaded(settings)
        processor = _processor(folder, settings, name)
    total = sum(parameters_in(folder).values())
    working = 2_000_000_000 if total > 500_000_000 else 100_000_000
    idle = residency_of(machine.device).idle
    decision = decide(
        machine, settings.wanted, parameters=total, largest_part=total, working=working, evictable=idle
    )
    dtype = getattr(torch, decision.dtype)
    options: dict[str, Any] = {"dtype": dtype, "trust_remote_code": settings.trust_remote_code}
    if decision.attention is not None:
        options["attn_implementation"] = decision.attention
    if decision.quantization is not None:
        options["quantization_config"] = model_quantization(decision.quantization, dtype)
    if decision.placement != "device":
        options["device_map"] = "auto"
    elif decision.quantization == "nf4":
        options["device_map"] = {"": decision.device}
    with loading(name, ThinkerFailed), quiet("transformers"):
        model = AutoModelForImageTextToText.from_pretrained(str(folder), **options).eval()
    there = total * BYTES[decision.quantization or decision.dtype] if decision.placement == "device" else 0
    made = Model(model, processor, decision, settings, name, int(there) + working)
    for line in made.lines():
        log.info("%s: %s", name, line)
    return made


def _downloaded(settings: Settings) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(settings.model, revision=settings.revision, ignore_patterns=WEIGHTS_ELSEWHERE)
    )


def _processor(folder: Path, settings: Settings, name: str) -> Any:
    """The processor, which has to take pictures and to know how a conversation is written."""
    from transformers import AutoProcessor, ProcessorMixin

    processor = AutoProcessor.from_pretrained(str(folder), trust_remote_code=settings.trust_remote_code)
    if not isinstance(processor, ProcessorMixin) or not hasattr(processor, "image_processor"):
        raise ThinkerFailed(
            f"{name} has no processor for pictures (only a {type(processor).__name__}): it is a text "
            "model, or preprocessor_config.json is missing; name a vision-language model",
            retryable=False,
        )
    if getattr(processor, "chat_template", None) is None:
        inner = getattr(processor.tokenizer, "chat_template", None)
        if inner is None:
            raise ThinkerFailed(
                f"{name} has no chat template, so it is no model to talk with: name an instruction-tuned one",
                retryable=False,
            )
        processor.chat_template = inner
    processor.tokenizer.padding_side = "left"
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    return processor

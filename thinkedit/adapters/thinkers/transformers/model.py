"""One loaded vision-language model on one device, asked in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.local.libraries import release
from thinkedit.adapters.local.placement import Decision, Wanted
from thinkedit.adapters.local.worker import Pass
from thinkedit.adapters.thinkers.transformers.asking import Form, Message, Reply
from thinkedit.adapters.thinkers.transformers.constrained import (
    Grammar,
    free_scores,
    grammar_for,
    processor_for,
)
from thinkedit.adapters.thinkers.transformers.sampling import drawn
from thinkedit.adapters.thinkers.transformers.vocabulary import Vocabulary
from thinkedit.types import Usage

__all__ = ["Ask", "Model", "Settings"]

END = "</answer>"


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
        self._grammars: dict[tuple[Form, bool], Grammar] = {}
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
        from transformers import LogitsProcessorList, StoppingCriteriaList

        asks = work.items
        inputs = self._inputs(asks)
        length = inputs["input_ids"].shape[1]
        first = asks[0]
        tokenizer = self.processor.tokenizer
        processors = []
        if self.settings.constrained:
            opened = tokenizer.decode(inputs["input_ids"][0, -8:].tolist()).rstrip().endswith("<think>")
            processors.append(self._constraint(first.form, length, len(asks), opened))
        if first.temperature:
            processors.append(drawn(first.seed, first.temperature, self.model.generation_config))
        with torch.inference_mode():
            written = self.model.generate(
                **inputs,
                generation_config=self._generation(),
                logits_processor=LogitsProcessorList(processors),
                stopping_criteria=StoppingCriteriaList([_Stop(tokenizer, work, length)]),
            )[:, length:].cpu()
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
        import torch
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
        # Not every model casts pictures to the type of its weights by itself.
        return inputs.to(device, dtype=getattr(torch, self.decision.dtype))

    def _generation(self) -> Any:
        """The checkpoint's own configuration, greedy: what is sampled is drawn by a processor."""
        from copy import deepcopy

        made = deepcopy(self.model.generation_config)
        made.max_new_tokens, made.max_length = self.settings.max_tokens, None
        made.do_sample = False
        made.temperature = made.top_p = made.top_k = made.min_p = None
        if made.pad_token_id is None:
            made.pad_token_id = self.processor.tokenizer.pad_token_id or self.processor.tokenizer.eos_token_id
        return made

    def _constraint(self, form: Form, length: int, rows: int, opened: bool) -> Any:
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self.processor.tokenizer)
        if (form, opened) not in self._grammars:
            self._grammars[form, opened] = grammar_for(
                self._vocabulary, form, self.settings.score_range, self.settings.max_tokens, opened=opened
            )
        grammar, vocabulary, process = self._grammars[form, opened], self._vocabulary, None

        def constrain(input_ids: Any, scores: Any) -> Any:
            nonlocal process
            if self._free is None or self._free.device != scores.device or self._free.dtype != scores.dtype:
                self._free = free_scores(vocabulary, scores.shape[1], scores)
            if process is None:
                process = processor_for(grammar, length, rows, self._free)
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

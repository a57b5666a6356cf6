"""What a constraint has to know of a tokenizer, byte-level or sentencepiece, found once for a model."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from thinkedit.errors import ThinkerFailed

__all__ = ["LONGEST_TOKEN", "Vocabulary"]

LONGEST_TOKEN = 40
"""Characters; the few longer tokens of a vocabulary (runs of blanks and dashes) are left out of free text."""


class Vocabulary:
    """The tokens of a model, by what they may be used for.

    free: tokens that may stand in free text: no tags, braces, backticks, control characters or special ones.
    lengths: characters that each adds to a text, 0 for those that are not free. letters: how many of them are
    letters or digits; those of a character that is cut over several tokens do not count.

    ThinkerFailed where the tokenizer has no end token, or none for each digit and the point.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        count = len(tokenizer)
        texts = tokenizer.batch_decode([[index] for index in range(count)])
        pieces = tokenizer.convert_ids_to_tokens(list(range(count)))
        special = {*tokenizer.all_special_ids, *getattr(tokenizer, "added_tokens_decoder", {})}
        self.lengths = [0] * count
        self.letters = [0] * count
        self.free: list[int] = []
        for index, text in enumerate(texts):
            if index in special or not _plain(text):
                continue
            self.free.append(index)
            # Decoded by itself, a piece of sentencepiece loses the blank that it begins with.
            self.lengths[index] = len(text) + str(pieces[index]).startswith("▁")
            self.letters[index] = sum(map(str.isalnum, text))
        self.end = tokenizer.eos_token_id
        if self.end is None:
            raise ThinkerFailed("constrained = true needs a tokenizer with an end token", retryable=False)
        self.digits = [self._single(str(digit)) for digit in range(10)]
        self.point = self._single(".")

    def encode(self, text: str) -> list[int]:
        """The tokens of fixed text, without a blank before it that the tokenizer puts there of itself.

        That blank is a token of free text in many vocabularies: with it each blank would end the text.
        """
        tokens = [int(index) for index in self._tokenizer.encode(text, add_special_tokens=False)]
        while len(tokens) > 1 and not text[0].isspace() and not self.decode(tokens[:1]).strip():
            del tokens[0]
        return tokens

    def decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(tokens))

    def _single(self, text: str) -> int:
        index = self._tokenizer.convert_tokens_to_ids(text)
        if not isinstance(index, int) or self._tokenizer.decode([index]).strip() != text:
            raise ThinkerFailed(
                f"constrained = true cannot be used: the model's tokenizer has no token for {text!r}",
                retryable=False,
            )
        return index


def _plain(text: str) -> bool:
    # Backticks could fence a prompt in, and braces would look like the scores.
    if not text or len(text) > LONGEST_TOKEN or any(mark in text for mark in "<>{}`"):
        return False
    return all(
        letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs", "Co", "Cn") for letter in text
    )

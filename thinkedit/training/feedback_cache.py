"""Edits and judgements by the content of what was asked, so that none is paid for twice."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import OrderedDict
from pathlib import Path

from thinkedit.errors import InputError, StoreError
from thinkedit.images import Picture
from thinkedit.journal import Journal, whole_lines
from thinkedit.training.rewards import Scores

__all__ = ["FeedbackCache", "digest_of_judgement"]

log = logging.getLogger("thinkedit")

PICTURES = 128 * 2**20
"""Bytes of edited pictures that are kept, for judgements that failed; scores and names are kept for good."""


def digest_of_judgement(identity: str, source: str, edited: str, instruction: str) -> str:
    """All that a judge is asked, and its identity; pictures by their hashes."""
    return hashlib.sha256(json.dumps([identity, source, edited, instruction]).encode()).hexdigest()


class FeedbackCache:
    """In memory, and in a file of JSON lines where there is one, which another run may begin with.

    Failures are not kept: they are asked again. One process at a time writes a file.
    Raises InputError where the file holds something else. Where it cannot be written any more, that is logged
    once and training goes on without.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._names: dict[str, str] = {}  # digest of an edit -> of the picture that came of it
        self._scores: dict[str, Scores] = {}
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._bytes = 0
        self._journal: Journal | None = None
        if path is not None:
            self._read(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._journal = Journal(path, sync=False)

    def edited(self, key: str) -> tuple[str, Picture | None] | None:
        """(hash of the picture, the picture if it is still at hand); None where it was not made yet."""
        name = self._names.get(key)
        return None if name is None else (name, self._pictures.get(name))

    def scores(self, key: str) -> Scores | None:
        return self._scores.get(key)

    def keep_edit(self, key: str, picture: Picture) -> None:
        name = picture.sha256
        if self._names.get(key) != name:
            self._names[key] = name
            self._write({"edit": key, "image": name})
        if name not in self._pictures:
            self._pictures[name] = picture
            self._bytes += len(picture.data)
        while self._bytes > PICTURES:
            self._bytes -= len(self._pictures.popitem(last=False)[1].data)

    def keep_scores(self, key: str, scores: Scores) -> None:
        self._scores[key] = scores
        self._write({"judgement": key, "semantic": scores.semantic, "quality": scores.quality})

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _read(self, path: Path) -> None:
        try:
            for line in whole_lines(path):
                if "edit" in line:
                    self._names[line["edit"]] = str(line["image"])
                else:
                    self._scores[line["judgement"]] = Scores(float(line["semantic"]), float(line["quality"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} does not hold edits and judgements ({type(error).__name__}: {error}): remove it"
            ) from error

    def _write(self, line: dict[str, str | float]) -> None:
        if self._journal is None:
            return
        try:
            self._journal.append(line)
        except StoreError as error:
            log.warning("edits and judgements are no longer kept for another run: %s", error)
            self._journal.close()
            self._journal = None

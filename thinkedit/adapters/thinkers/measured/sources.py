"""What is known of a source picture, kept between the turns of a session."""

from __future__ import annotations

import threading
from collections import OrderedDict

from thinkedit.adapters.thinkers.measured.regions import Region, find_region
from thinkedit.adapters.thinkers.measured.views import View
from thinkedit.errors import ThinkerFailed
from thinkedit.images import Picture

__all__ = ["Source", "Sources"]


class Source:
    """A source's view and its regions, each found once."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._regions: dict[str, Region | None] = {}

    def region(self, name: str) -> Region:
        """ThinkerFailed where the picture has no such thing: then there is nothing to judge."""
        if name not in self._regions:
            self._regions[name] = find_region(name, self.view.small, self.view.lab)
        found = self._regions[name]
        if found is None:
            what = f"{name.partition(':')[2]} parts" if name.startswith("colour:") else name
            raise ThinkerFailed(
                f"no {what} can be told from the rest of this picture, so what was done there cannot be "
                "measured; use a model as the thinker",
                retryable=False,
            )
        return found


class Sources:
    """The least recently used sources, by content hash; safe to share between threads."""

    def __init__(self, most: int = 8) -> None:
        self._most = most
        self._kept: OrderedDict[str, Source] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, picture: Picture) -> Source:
        key = picture.sha256
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        source = Source(View.of(picture.pixels()))
        with self._lock:
            source = self._kept.setdefault(key, source)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return source

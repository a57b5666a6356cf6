"""What is known of a source picture, kept between the turns of a session."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from thinkedit.adapters.thinkers.measured.regions import Region, find_region
from thinkedit.adapters.thinkers.measured.scene import place_of
from thinkedit.adapters.thinkers.measured.views import View
from thinkedit.adapters.vocabulary import Clause
from thinkedit.errors import ThinkerFailed
from thinkedit.images import Picture

__all__ = ["Source", "Sources"]


class Source:
    """A source's view, and its regions as far as they were needed. The picture itself is not kept."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._regions: dict[str, Region | None] = {}

    def find(self, picture: Picture, wishes: Sequence[Clause]) -> None:
        """Find the regions that the wishes name, unless they are known."""
        names = dict.fromkeys(name for wish in wishes for name in (wish.region, place_of(wish)))
        if "background" in names:
            names["subject"] = None
        for name in names:
            if name not in self._regions and name != "colours":
                self._regions[name] = find_region(name, picture.pixels(), self.view)

    def region(self, name: str) -> Region:
        """A region that was looked for. ThinkerFailed where the picture has no such thing to be judged."""
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

    def get(self, picture: Picture, wishes: Sequence[Clause]) -> Source:
        """The source with every region that the wishes name."""
        key = picture.sha256
        with self._lock:
            source = self._kept.get(key)
        if source is None:
            source = Source(View.of(picture.pixels()))
        source.find(picture, wishes)
        with self._lock:
            source = self._kept.setdefault(key, source)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        source.find(picture, wishes)  # another thread may have kept one with fewer regions
        return source

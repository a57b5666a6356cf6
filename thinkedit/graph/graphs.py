"""The compiled graphs of one process: one for each set of models, over one store, ledger and checkpoints."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from thinkedit.adapters.base import Refiner, Safety
from thinkedit.adapters.models import Models
from thinkedit.graph.build import wire
from thinkedit.graph.cache import PictureCache, RecordCache
from thinkedit.graph.nodes import Nodes
from thinkedit.graph.watching import Watcher
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.types import LoopSettings

__all__ = ["Graphs"]


class Graphs:
    """Made when they are first asked for, and kept. Pictures and records in use are shared by all."""

    def __init__(
        self,
        models: Models,
        checkpointer: BaseCheckpointSaver[Any],
        defaults: LoopSettings,
        *,
        store: Store,
        ledger: Ledger,
        watcher: Watcher,
    ) -> None:
        self._models = models
        self._checkpointer = checkpointer
        self._shared: dict[str, Any] = {
            "store": store,
            "ledger": ledger,
            "settings": defaults,
            "watcher": watcher,
            "pictures": PictureCache(),
            "records": RecordCache(),
        }
        self._made: dict[tuple[str | None, ...], Any] = {}

    def of(self, settings: LoopSettings) -> Any:
        """The graph of the models that the settings name."""
        key = (settings.editor, settings.thinker, settings.refiner, settings.safety)
        if key not in self._made:
            nodes = Nodes(
                editor=self._models.editor(settings.editor),
                thinker=self._models.thinker(settings.thinker),
                refiner=self.refiner(settings),
                safety=self.safety(settings),
                **self._shared,
            )
            self._made[key] = wire(nodes).compile(checkpointer=self._checkpointer)
        return self._made[key]

    def refiner(self, settings: LoopSettings) -> Refiner | None:
        return None if settings.refiner is None else self._models.refiner(settings.refiner)

    def safety(self, settings: LoopSettings) -> Safety | None:
        return None if settings.safety is None else self._models.safety(settings.safety)

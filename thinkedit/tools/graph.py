"""The loop as a compiled graph over the user's configuration: what `langgraph.json` names."""

from __future__ import annotations

from typing import Any

import anyio
from anyio.to_thread import run_sync

from thinkedit.adapters.models import Models
from thinkedit.config import Config, load_config
from thinkedit.graph.build import create_think_edit_graph
from thinkedit.ledger import Ledger
from thinkedit.store import Store

__all__ = ["default_graph", "graph"]


def default_graph(config: Config | None = None, *, checkpointer: Any = None) -> Any:
    """The graph with the configured editor, thinker, store and ledger, compiled.

    config: instead of thinkedit.toml and the environment. checkpointer: for pauses and resuming; a server of
    LangGraph brings its own. Input {image, instruction, settings?}, the image as a path, a `data:` or a
    `thinkedit://` URI; output {result}. Raises SettingsError for a configuration that cannot be.
    """
    chosen = config or load_config()
    models, loop = Models(chosen.models), chosen.loop
    graph = create_think_edit_graph(
        editor=models.editor(loop.editor),
        thinker=models.thinker(loop.thinker),
        store=Store(chosen.store_url),
        ledger=Ledger(chosen.sessions),
        settings=loop,
        refiner=None if loop.refiner is None else models.refiner(loop.refiner),
        safety=None if loop.safety is None else models.safety(loop.safety),
    )
    return graph.compile(checkpointer=checkpointer)


async def graph() -> Any:
    """The default graph, made once in a process and in a thread: a server asks for it with each run."""
    async with _making:
        if not _made:
            _made.append(await run_sync(default_graph))
    return _made[0]


_making = anyio.Lock()
_made: list[Any] = []

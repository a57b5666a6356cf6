"""What a graph with the loop in it says, as typed objects."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.graph.embedded import parent
from tests.graph.kit import INSTRUCTION, SETTINGS, SOURCE, Seen, numbered
from thinkedit.graph.build import create_think_edit_graph
from thinkedit.graph.streaming import Waiting, stream_edit
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.types import EditResult, Event

pytestmark = pytest.mark.anyio

GIVEN = {"image": SOURCE, "instruction": INSTRUCTION}
THREAD: Any = {"configurable": {"thread_id": "a"}}


@pytest.fixture(params=["alone", "mounted"])
def graph(request: pytest.FixtureRequest) -> Any:
    models: Any = (Seen().editor(), Seen().thinker(numbered(3, 9)))
    if request.param == "mounted":
        built: Any = parent(*models, Store.in_memory(), Ledger(None), pause="turn")
    else:
        chosen = SETTINGS.model_copy(update={"pause": "turn"})
        built = create_think_edit_graph(editor=models[0], thinker=models[1], settings=chosen)
    return built.compile(checkpointer=InMemorySaver())


async def test_events_then_what_it_waits_for_then_the_result(graph: Any) -> None:
    heard = [item async for item in stream_edit(graph, GIVEN, THREAD)]
    kinds = list(dict.fromkeys(item.kind for item in heard if isinstance(item, Event)))
    assert kinds == ["opened", "editing", "edited", "critiquing", "critiqued", "paused"]
    [waiting] = [item for item in heard if isinstance(item, Waiting)]
    assert heard[-1] == waiting
    assert (waiting.turn, waiting.next.action, waiting.next.prompt) == (1, "go_on", "prompt 2")
    wrong = [item async for item in stream_edit(graph, Command(resume={"action": "dance"}), THREAD)]
    assert isinstance(wrong[-1], Waiting)
    assert "dance" in str(wrong[-1].error)
    done = [item async for item in stream_edit(graph, Command(resume={"action": "go_on"}), THREAD)]
    [result] = [item for item in done if isinstance(item, EditResult)]
    assert (result.session_id, result.stop_reason) == (waiting.session_id, "satisfied")

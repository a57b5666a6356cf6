"""The state machine, wired: reads from top to bottom.

START -> open -> [plan] -> edit -> critique -> refine -> edit ...
                                       \\-> stop -> END
"""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from thinkedit.adapters.base import Editor, Refiner, Safety, Thinker
from thinkedit.adapters.safety.called import Check, as_safety
from thinkedit.graph.nodes import Nodes
from thinkedit.graph.state import EditInput, EditOutput, EditState, Phase, phase_of
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.types import LoopSettings

__all__ = ["create_think_edit_graph", "wire"]


def create_think_edit_graph(
    *,
    editor: Editor,
    thinker: Thinker,
    store: Store | None = None,
    settings: LoopSettings | None = None,
    ledger: Ledger | None = None,
    refiner: Refiner | None = None,
    safety: Safety | Check | None = None,
) -> StateGraph[EditState, None, EditInput, EditOutput]:
    """The uncompiled graph, everything bound: compile it, or mount it in a graph of your own.

    Input {image, instruction, settings?}, output {result: EditResult as a dict}. store (pictures and turn
    records) and ledger (sessions) are in memory where not given: give them to outlive the process.
    refiner: writes the next prompts instead of the thinker. safety: sees instruction, prompts and results.
    """
    nodes = Nodes(
        editor=editor,
        thinker=thinker,
        store=store or Store.in_memory(),
        ledger=ledger or Ledger(None),
        settings=settings or LoopSettings(),
        refiner=refiner,
        safety=as_safety(safety) if safety is not None else None,
    )
    return wire(nodes)


def wire(nodes: Nodes) -> StateGraph[EditState, None, EditInput, EditOutput]:
    """Nodes and edges."""
    graph = StateGraph(EditState, input_schema=EditInput, output_schema=EditOutput)
    graph.add_node("open", nodes.open)
    graph.add_node("plan", nodes.plan)
    graph.add_node("edit", nodes.edit)
    graph.add_node("critique", nodes.critique)
    graph.add_node("refine", nodes.refine)
    graph.add_node("pause", nodes.pause)
    graph.add_node("wait", nodes.wait)
    graph.add_node("stop", nodes.stop)
    graph.add_edge(START, "open")
    _route(graph, "open", "plan", "edit", "critique", "refine", "stop")  # stop: nobody could be asked
    _route(graph, "plan", "edit", "stop")
    _route(graph, "edit", "critique", "stop")
    _route(graph, "critique", "refine", "pause", "stop", "edit")  # edit: where an image was lost meanwhile
    _route(graph, "refine", "edit", "stop")
    _route(graph, "pause", "wait", "stop")
    _route(graph, "wait", "refine", "edit", "stop")
    graph.add_edge("stop", END)
    return graph


def _route(graph: StateGraph[Any, None, Any, Any], node: str, *ways: Phase) -> None:
    graph.add_conditional_edges(node, phase_of, list(ways))

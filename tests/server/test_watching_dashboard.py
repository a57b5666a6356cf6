"""The dashboard and the documented rules: they ask for metrics that a server has, and fit on a screen."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.graph.kit import numbered
from tests.server.watched import PROMPT, watched
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.errors import EditorFailed
from thinkedit.types import Usage

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "thinkedit.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]

_NAME = re.compile(r"\b(?:thinkedit|process)_[a-z_]+")
_SELECTOR = re.compile(r"\b((?:thinkedit|process)_[a-z_]+)\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
_SCRAPERS = {"job", "instance"}


@pytest.fixture
async def series(config: Config, tmp_path: Path, pictures: Path) -> dict[str, list[dict[str, str]]]:
    """The labels of each sample of a server that has worked, with failures."""
    usage = Usage(input_tokens=1, output_tokens=1)
    script = [one.model_copy(update={"usage": usage}) for one in numbered(3, 9)]
    editor = ScriptedEditor(faults={1: EditorFailed("out of memory")})
    async with watched(config, tmp_path / "d", editor, ScriptedThinker(script)) as served:
        uri = await served.upload((pictures / "garden.jpg").read_bytes())
        await served.call("think_edit", {"image": uri, "instruction": PROMPT})
        await served.web.get("/readyz")
        text = (await served.web.get("/metrics")).text
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


async def test_every_panel_asks_for_what_a_server_tells(series: dict[str, list[dict[str, str]]]) -> None:
    asked = {name for expression in EXPRESSIONS for name in _NAME.findall(expression)}
    assert asked <= set(series), asked - set(series)
    assert len(asked) >= 15
    for expression in EXPRESSIONS:
        for name, inner in _SELECTOR.findall(expression):
            for label, _, wanted in _MATCHER.findall(inner):
                if label in _SCRAPERS:
                    continue
                values = {labels.get(label) for labels in series[name]}
                assert values != {None}, f"{name} has no label {label}"
                # Every value that a panel picks out is one that there can be.
                for one in wanted.split("|"):
                    assert one in values or one in ("broke", "lost", "refused", "taken_over"), (name, one)
        for names in re.findall(r"\b(?:sum|max|count) by \(([^)]*)\)", expression):
            known = {label for name in _NAME.findall(expression) for one in series[name] for label in one}
            assert {name.strip() for name in names.split(",")} <= known | _SCRAPERS, expression


async def test_the_documented_metrics_and_rules_are_those_that_there_are(
    series: dict[str, list[dict[str, str]]],
) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    told = {name for name in _NAME.findall(text) if name.startswith("thinkedit_")}
    own = {
        name.removesuffix("_count").removesuffix("_sum").removesuffix("_bucket")
        for name in series
        if name.startswith("thinkedit_")
    }
    assert told == own


def test_expressions_are_whole() -> None:
    for expression in EXPRESSIONS:
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing), expression
        for name in re.findall(r"\b(?:rate|increase)\((\w+)", expression):
            assert name.endswith(("_total", "_bucket")), f"{name} is no counter"
        for rest in re.findall(r"histogram_quantile\([\d.]+, sum by \(([^)]*)\)", expression):
            assert "le" in rest.split(", "), expression


def test_the_schema_of_the_dashboard() -> None:
    assert DASHBOARD["schemaVersion"] >= 36
    assert (DASHBOARD["title"], DASHBOARD["uid"]) == ("thinkedit", "thinkedit")
    variables = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "job": "query", "instance": "query"}
    used = {name for expression in EXPRESSIONS for name in re.findall(r"\$(\w+)", expression)}
    assert used - {"__rate_interval"} <= set(variables)
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        assert panel["title"]
        assert panel["type"] in ("timeseries", "stat")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"]
        identifiers = [target["refId"] for target in panel["targets"]]
        assert len(set(identifiers)) == len(identifiers)
        assert panel["fieldConfig"]["defaults"]["unit"]


def test_panels_lie_within_the_grid_and_not_on_each_other() -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        at = panel["gridPos"]
        assert at["w"] > 0
        assert at["h"] > 0
        assert at["x"] + at["w"] <= 24
        rows, columns = range(at["y"], at["y"] + at["h"]), range(at["x"], at["x"] + at["w"])
        return set(itertools.product(columns, rows))

    for one, other in itertools.combinations(PANELS, 2):
        assert not cells(one) & cells(other), f"{one['title']} lies on {other['title']}"

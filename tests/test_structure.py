"""The shape of the package: what imports what, what loads when, and which names are public."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import thinkedit
from thinkedit.graph import build

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "thinkedit"
HEAVY = ("torch", "diffusers", "transformers", "langgraph", "langchain_core", "mcp", "cv2")


def test_imports_point_down_only() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert "Contracts: 4 kept, 0 broken." in done.stdout, done.stdout + done.stderr


def python(code: str) -> dict[str, object]:
    """What a fresh interpreter prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    value: dict[str, object] = json.loads(done.stdout)
    return value


COST = """
import json, sys, time
start = time.process_time()
{statement}
print(json.dumps({{"seconds": time.process_time() - start, "modules": list(sys.modules)}}))
"""


@pytest.mark.parametrize(
    ("statement", "limit"),
    [("import thinkedit", 0.1), ("from thinkedit import think_edit, Critique", 0.3)],
)
def test_importing_is_quick_and_loads_nothing_heavy(statement: str, limit: float) -> None:
    # Of three, and by the processor's time: what another process takes is not ours.
    runs = [python(COST.format(statement=statement)) for _ in range(3)]
    modules = runs[0]["modules"]
    assert isinstance(modules, list)
    assert not [name for name in modules if name.partition(".")[0] in HEAVY]
    assert min(float(str(run["seconds"])) for run in runs) <= limit


def test_the_public_names_are_those_that_can_be_imported() -> None:
    assert thinkedit.__all__ == sorted(set(thinkedit.__all__), key=thinkedit.__all__.index)
    assert set(thinkedit.__all__) == set(thinkedit._HOME), "__all__ and the table of names differ"
    for name, home in thinkedit._HOME.items():
        value = getattr(importlib.import_module(home), name)
        assert getattr(thinkedit, name) is value
        exported = getattr(importlib.import_module(home), "__all__", None)
        assert exported is None or name in exported, f"{home} does not say that {name} is public"
    assert set(thinkedit.__all__) <= set(dir(thinkedit))
    with pytest.raises(AttributeError, match="no attribute 'paint'"):
        thinkedit.paint  # noqa: B018


def test_type_checkers_are_told_of_the_same_names() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    told = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == thinkedit._HOME


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_each_module_says_what_it_is_and_what_it_gives(path: Path) -> None:
    text = path.read_text()
    if not text:
        return
    tree = ast.parse(text)
    assert ast.get_docstring(tree), f"{path} has no docstring"
    assert len(text.splitlines()) <= 400, f"{path} wants to be two files"
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if path.name == "__main__.py":
        return
    loaded = importlib.import_module(module)
    for name in getattr(loaded, "__all__", []):
        assert hasattr(loaded, name), f"{module}.__all__ names {name}, which is not there"


def test_the_graph_is_wired_on_one_page_and_does_nothing_else() -> None:
    source = inspect.getsource(build)
    assert len(source.splitlines()) <= 80
    tree = ast.parse(source)
    wanting = (ast.For, ast.While, ast.If, ast.Try, ast.AsyncFunctionDef, ast.ClassDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, wanting)]


def test_the_version_is_that_of_the_distribution() -> None:
    assert f'version = "{thinkedit.__version__}"' in (ROOT / "pyproject.toml").read_text()

"""Each example runs as its first lines say, without a key, and says what it came to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
COFFEE = "examples/photos/coffee.png"


def run(example: str, *arguments: str, data: Path, python: str = sys.executable) -> str:
    done = subprocess.run(
        [python, f"examples/{example}", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "THINKEDIT_DATA": str(data),
            "HOME": str(data),  # all that the SDK's client hands on to a server
            "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def as_said(example: str) -> list[str]:
    """The arguments that the example's own first lines give it."""
    [line] = re.findall(rf"python examples/{example} (.*)", (EXAMPLES / example).read_text())
    return re.findall(r'"[^"]*"|\S+', line)


def test_supervisor(tmp_path: Path) -> None:
    image, instruction = as_said("supervisor.py")
    said = run("supervisor.py", image, instruction.strip('"'), data=tmp_path).splitlines()
    assert said[0].startswith("make it warmer: satisfied after")
    assert said[1].startswith("add a vignette: satisfied after")
    assert said[2].startswith("result: thinkedit://images/")


def test_stepwise(tmp_path: Path) -> None:
    said = run("stepwise.py", COFFEE, "make it warmer", data=tmp_path).splitlines()
    assert [line.partition(", overall")[0] for line in said[:3]] == [
        "turn 1: 'make it warmer'",
        "turn 2: 'make it warmer and sharpen it'",
        "turn 2: 'make it warmer and brighten it slightly'",
    ]
    assert said[3] == "picked turn 2 of 2: stopped_by_caller"


def test_batch(tmp_path: Path) -> None:
    said = run("batch.py", "examples/photos", "make it a little warmer", str(tmp_path / "out"), data=tmp_path)
    assert len(said.splitlines()) == 5
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_subgraph(tmp_path: Path) -> None:
    said = run("subgraph.py", COFFEE, "make it warmer", str(tmp_path / "parent.sqlite"), data=tmp_path)
    assert re.match(r"turn 1: overall \d+\.\d\nit would try '.*'; go on\n", said)
    assert re.search(r": turn \d of \d$", said.strip())


def test_mcp_client(tmp_path: Path) -> None:
    server = [sys.executable, "-m", "thinkedit", "serve", "--allow", "examples"]
    said = run("mcp_client.py", COFFEE, "make it warmer", *server, data=tmp_path)
    assert "paused; it would try" in said
    assert "turn 2 of 5: scored" in said
    assert "stopped_by_caller: thinkedit://images/" in said


def environment_of(client: str) -> str:
    """The Python of a client's own environment; skips where it is not installed, but fails where CI=true."""
    python = ROOT / "tests" / "external" / ".venv" / client / "bin" / "python"
    if not python.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("run tests/external/install.sh first")
        pytest.skip("run tests/external/install.sh first")
    return str(python)


@pytest.mark.external
def test_mcp_openai_agents(tmp_path: Path) -> None:
    server = [sys.executable, "-m", "thinkedit", "serve", "--allow", "examples"]
    python = environment_of("agents")
    said = run("mcp_openai_agents.py", COFFEE, "make it warmer", *server, data=tmp_path, python=python)
    assert said.strip() == "The editor was satisfied."


@pytest.mark.external
def test_mcp_langchain(tmp_path: Path) -> None:
    python = environment_of("langchain")
    command = [sys.executable, "-m", "thinkedit", "serve", "--http", "127.0.0.1:0", "--allow", "examples"]
    environment = {**os.environ, "THINKEDIT_DATA": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            url = next(f"http{line.split('http')[1].split()[0]}" for line in server.stderr if "/mcp" in line)
            said = run(
                "mcp_langchain.py",
                str(ROOT / COFFEE),
                "make it warmer",
                url,
                data=tmp_path,
                python=str(python),
            )
        finally:
            server.kill()
    assert said.startswith("satisfied after 1 turns: thinkedit://images/")


def test_each_example_is_in_the_list_and_tested() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.py")}
    listed = set(re.findall(r"\]\((\w+\.py)\)", (EXAMPLES / "README.md").read_text()))
    assert scripts == listed
    assert {f"test_{name.removesuffix('.py')}" for name in scripts} <= globals().keys()

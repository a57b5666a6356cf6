"""The core installs beside langchain-mcp-adapters, which still needs an older MCP SDK."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.external

ROOT = Path(__file__).parents[2]
ADAPTERS = "langchain-mcp-adapters==0.3.2"


def test_the_core_installs_beside_langchain_mcp_adapters(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(ROOT), ADAPTERS], check=True, timeout=300)
    both = "import thinkedit, langchain_mcp_adapters.client; thinkedit.create_think_edit_graph"
    subprocess.run([str(python), "-c", both], check=True, timeout=60, cwd=tmp_path)

"""The Python in docs/agents.md runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "agents.md").read_text(encoding="utf-8"), re.S)


def test_the_embedding_runs_as_written(tmp_path: Path) -> None:
    embedding, agent = BLOCKS
    script = tmp_path / "embedding.py"
    script.write_text(embedding)
    done = subprocess.run(
        [sys.executable, str(script), str(ROOT / "examples" / "photos" / "coffee.png")],
        env={**os.environ, "THINKEDIT_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "critiqued 1" in done.stdout
    assert "waits for one of ['go_on', 'critique', 'prompt', 'pick', 'stop']" in done.stdout
    assert "stopped_by_caller thinkedit://images/" in done.stdout
    compile(agent, "agents.md", "exec")

"""The bundle through the official tool: its rules, its reading of the archive, its command."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.external.conftest import HERE, MODULES
from tests.test_packaging import as_a_host_starts_it

pytestmark = pytest.mark.external

ROOT = HERE.parent.parent

SCRIPT = """
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";
import { readFileSync } from "node:fs";
const [folder, chosen] = process.argv.slice(1);
const made = await getMcpConfigForManifest({
  manifest: JSON.parse(readFileSync(`${folder}/manifest.json`, "utf8")),
  extensionPath: folder,
  systemDirs: { HOME: "/home/me" },
  userConfig: JSON.parse(chosen),
  pathSeparator: "/",
});
console.log(JSON.stringify(made));
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "bundle.py"), str(tmp_path)], check=True)
    (made,) = tmp_path.glob("thinkedit-*.mcpb")
    return made


def mcpb(node: Path, *arguments: object) -> str:
    command = [node, MODULES / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js", *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_official_tool_accepts_it(node: Path, bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    mcpb(node, "unpack", bundle, folder)
    assert "validation passes" in mcpb(node, "validate", folder / "manifest.json")
    packed = tmp_path / "packed.mcpb"
    mcpb(node, "pack", folder, packed)
    with zipfile.ZipFile(packed) as theirs, zipfile.ZipFile(bundle) as ours:
        assert set(theirs.namelist()) == set(ours.namelist())


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"allowed_folders": ["/mnt/a b", "/mnt/c"], "output_folder": "/mnt/out"},
        {"config_file": "/etc/thinkedit.toml"},
    ],
)
def test_the_command_is_the_one_that_our_tests_start(
    node: Path, bundle: Path, tmp_path: Path, chosen: dict[str, Any]
) -> None:
    folder = tmp_path / "unpacked"
    mcpb(node, "unpack", bundle, folder)
    command = [str(node), "--input-type=module", "-e", SCRIPT, str(folder), json.dumps(chosen)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True, timeout=60)
    made = json.loads(done.stdout)
    assert (made["command"], made["args"]) == as_a_host_starts_it(folder, chosen)

"""docs/operations.md says what is so: its commands are run, as far as they need no root and no Docker."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from tests.test_deploy import free_port, running, unit, user_of
from tests.test_readme import blocks
from thinkedit.config import load_config
from thinkedit.server.tokens import TokenFile

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")

SYSTEM = ("useradd", "systemctl", "docker", "curl", "chown", "sudoedit", "claude", "pip", "venv")
"""What needs root, another program or the network: left out, or done by the test in another way."""


KINDS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def section(title: str) -> str:
    """What stands below a heading, as far as the next of its kind or a larger one."""
    found = re.search(rf"^(##+) {re.escape(title)}\n(.*?)(?=^##?#? |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[2]


def commands(text: str) -> list[str]:
    """The commands of a section, each on a line of its own but for those with a text of their own."""
    return [line for block in blocks(text, "sh") for line in block.splitlines() if line.strip()]


def as_user(script: str, places: dict[str, Path]) -> str:
    """The same as somebody who is not root: without sudo and owners, below other folders."""
    lines = [line for line in script.splitlines() if not re.search(rf"\b({'|'.join(SYSTEM)})\b", line)]
    text = re.sub(r"^sudo (-u thinkedit )?", "", "\n".join(lines), flags=re.MULTILINE)
    text = text.replace(" -o thinkedit -g thinkedit", "")
    text = text.replace("/opt/thinkedit/bin/", "")
    for name, place in places.items():
        text = text.replace(name, str(place))
    return text


def run(script: str, folder: Path, home: Path) -> str:
    done = subprocess.run(
        ["sh", "-euc", script], cwd=folder, env=user_of(home), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{script}\n{done.stderr}"
    return done.stdout


def test_the_links_and_files_of_the_page_are_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", PAGE):
        path, _, anchor = target.partition("#")
        text = (ROOT / "docs" / (path or "operations.md")).read_text("utf-8")
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        known = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert not anchor or anchor in known, target
    for named in re.findall(r"\bdeploy/[\w./-]+\w", PAGE):
        assert (ROOT / named).exists(), named


def test_every_command_of_ours_has_these_options(tmp_path: Path) -> None:
    ours = [
        line
        for line in commands(PAGE)
        if re.match(r"(sudo (-u \w+ )?)?(/opt/thinkedit/bin/)?thinkedit ", line)
    ]
    ours += re.findall(r"`(thinkedit [^`]+)`", PAGE)
    assert len(ours) >= 5
    for line in ours:
        words = shlex.split(as_user(line, {}).partition(" > ")[0], comments=True)[1:]
        done = subprocess.run(
            [sys.executable, "-m", "thinkedit", *words, "--help"],
            env=user_of(tmp_path),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"


def test_every_configuration_shown_is_one(tmp_path: Path) -> None:
    shown = blocks(PAGE, "toml")
    assert len(shown) >= 2
    for block in shown:
        (tmp_path / "thinkedit.toml").write_text(block)
        load_config(tmp_path / "thinkedit.toml")
    file = (ROOT / "deploy" / "thinkedit.toml").read_text("utf-8")
    assert re.sub(r"^#.*\n", "", file, flags=re.MULTILINE) == shown[0]


def test_the_steps_on_one_machine(tmp_path: Path) -> None:
    places = {
        "/etc/thinkedit": tmp_path / "etc",
        "/etc/systemd/system": tmp_path / "units",
        "/var/lib/thinkedit": tmp_path / "state",
    }
    (tmp_path / "units").mkdir()
    install, tokens, *_ = blocks(section("On one machine"), "sh")
    run(as_user(install, places), ROOT, tmp_path)
    assert (tmp_path / "units" / "thinkedit.service").is_file()
    said = run(as_user(tokens, places), ROOT, tmp_path)
    token, line = (text.split("  ")[1] for text in said.splitlines())
    with (tmp_path / "etc" / "tokens").open("a") as file:  # what is done in an editor
        file.write(f"{line}\n")
    settings = tmp_path / "etc" / "thinkedit.toml"
    for name, place in places.items():
        settings.write_text(settings.read_text().replace(name, str(place)))
    (start,) = unit()["ExecStart"]
    port = free_port()
    start = as_user(start, places).replace("8321", str(port))
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "photo.jpg")
    with running(start.split(), user_of(tmp_path), tmp_path):
        (ready,) = re.findall(r"^curl (http://127.0.0.1:8321/\w+)$", "\n".join(commands(PAGE)), re.MULTILINE)
        with urllib.request.urlopen(ready.replace("8321", str(port))) as answer:
            assert answer.status == 200
        server = f"http://127.0.0.1:{port}"
        command = f'thinkedit edit photo.jpg "make it warmer" --server {server} --turns 1'
        run(f"export {token}\n{command}", tmp_path, tmp_path)
        with pytest.raises(AssertionError, match="asks who you are"):
            run(command, tmp_path, tmp_path)
    assert list(tmp_path.glob("photo-edited*.jpg"))


def test_the_secrets_of_compose(tmp_path: Path) -> None:
    (script,) = blocks(section("With Docker"), "sh")
    (tmp_path / "deploy").mkdir()
    run(as_user(script, {}), tmp_path, tmp_path)
    made = tmp_path / "deploy" / "secrets"
    config = load_config(made / "thinkedit.toml")
    password = (made / "postgres_password").read_text().strip()
    assert config.database == f"postgresql://thinkedit:{password}@postgres/thinkedit"
    assert config.server.tokens == Path("/run/secrets/tokens")
    given = json.loads((tmp_path / "deploy" / "ana.json").read_text())
    assert TokenFile(made / "tokens").caller(given["token"]) == "ana"
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    named = set(re.findall(r"file: \./secrets/(\S+)", compose))
    assert named == {path.name for path in made.iterdir()}


def test_backup_restore_and_rebuild(tmp_path: Path) -> None:
    places = {
        "/var/lib/thinkedit": tmp_path / "state",
        "/var/backups/thinkedit": tmp_path / "backup",
        "/etc/thinkedit": tmp_path / "etc",
    }
    (tmp_path / "etc").mkdir()
    settings = tmp_path / "etc" / "thinkedit.toml"
    settings.write_text(f"data = {json.dumps(str(tmp_path / 'state'))}\n")
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "photo.jpg")
    run(f'thinkedit edit photo.jpg "make it warmer" --turns 1 --config {settings}', tmp_path, tmp_path)
    back_up, restore, rebuild = blocks(section("Backup and restore"), "sh")
    run(as_user(back_up, places), ROOT, tmp_path)
    run(as_user(restore, places), ROOT, tmp_path)
    show = f"thinkedit sessions show last --json --config {settings}"
    before = json.loads(run(show, tmp_path, tmp_path))
    (tmp_path / "state" / "sessions.sqlite").write_bytes(b"damaged" * 1000)
    run(as_user(rebuild, places), ROOT, tmp_path)
    assert json.loads(run(show, tmp_path, tmp_path))["session_id"] == before["session_id"]
    shutil.rmtree(tmp_path / "state.old")


def test_nginx_accepts_the_server_with_tls(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    import trustme

    issued = trustme.CA().issue_cert("edit.example.com")
    issued.private_key_pem.write_to_path(tmp_path / "edit.example.com.key")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "edit.example.com.pem")
    (shown,) = blocks(section("TLS"), "nginx")
    kept = " ".join(f"{name}_temp_path {tmp_path}/t;" for name in KINDS)
    text = f"pid {tmp_path}/pid; events {{}} http {{ access_log off; {kept}\n"
    (tmp_path / "nginx.conf").write_text(text + shown.replace("/etc/ssl", str(tmp_path)) + "}")
    done = subprocess.run(
        [nginx, "-t", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

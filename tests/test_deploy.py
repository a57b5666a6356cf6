"""What deploy/ holds, as far as it can be held to the truth without a Docker engine and a running systemd."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from thinkedit.config import Config, load_config

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the Dockerfile, in order, with lines that go on put together."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines if line.strip()]


def only(name: str) -> str:
    (found,) = [arguments for instruction, arguments in instructions() if instruction == name]
    return found


def ignored(path: str) -> bool:
    """Whether .dockerignore leaves it out: of its lines the last that fits decides."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            wanted = pattern.removeprefix("!").removeprefix("**/")
            parts = path.split("/") if "**/" in pattern else [path, path.split("/")[0]]
            if any(fnmatch.fnmatch(part, wanted) for part in parts):
                verdict = not pattern.startswith("!")
    return verdict


def test_what_is_copied_into_the_image_is_there_and_enough_to_build() -> None:
    copied = [shlex.split(text) for name, text in instructions() if name == "COPY" and "--from" not in text]
    sources = {source for *many, _ in copied for source in many}
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not ignored(source), source
    assert sources >= {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml", "thinkedit"}
    assert not ignored("thinkedit/adapters/weights/u2netp.onnx")
    for left_out in (".git", ".venv", "tests", "deploy/secrets/tokens", "thinkedit/__pycache__/x.pyc"):
        assert ignored(left_out), left_out


def test_the_extras_exist() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    named = re.findall(r"EXTRAS=([a-z0-9,]+)", text)
    assert len(named) == 2
    for extras in named:
        assert {"mcp", "postgres"} <= set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_the_image_runs_as_nobody_and_only_writes_where_it_may() -> None:
    user, group = only("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    before = [name for name, _ in instructions()]
    assert before.index("USER") < before.index("ENTRYPOINT")
    assert json.loads(only("VOLUME")) == ["/data", "/models"]
    settings = environment()
    assert (settings["THINKEDIT_DATA"], settings["HOME"], settings["HF_HOME"]) == ("/data", "/tmp", "/models")


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(only("ENV")))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], settings: dict[str, str], folder: Path) -> Iterator[None]:
    """A server that listens; it has to end in order."""
    server = subprocess.Popen(
        command, env=settings, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    with server:
        assert server.stderr is not None
        seen = []
        for line in server.stderr:
            seen.append(line)
            if "serving MCP at" in line:
                break
        try:
            assert server.poll() is None, "".join(seen)
            yield
        finally:
            server.terminate()
            _, rest = server.communicate(timeout=30)
        assert server.returncode == 0, rest


def user_of(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a user who has thinkedit on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "HOME": str(folder), **more}


def test_the_commands_of_the_image_run(tmp_path: Path) -> None:
    settings = {**environment(), **user_of(tmp_path, THINKEDIT_DATA=str(tmp_path / "data"))}
    token = subprocess.run(
        ["thinkedit", "token", "ana", "--json"], env=settings, capture_output=True, text=True, check=True
    )
    tokens = tmp_path / "tokens"
    tokens.write_text(json.loads(token.stdout)["line"] + "\n")
    tokens.chmod(0o600)
    settings["THINKEDIT_SERVER__TOKENS"] = str(tokens)
    port = str(free_port())
    command = [*json.loads(only("ENTRYPOINT")), *json.loads(only("CMD"))]
    assert command[2:4] == ["--http", f"0.0.0.0:{only('EXPOSE')}"]
    health = json.loads(only("HEALTHCHECK").partition("CMD ")[2])
    health = [part.replace(only("EXPOSE"), port) for part in health]

    def healthy() -> bool:
        return subprocess.run(health, env=settings, capture_output=True, timeout=30).returncode == 0

    assert not healthy()
    with running([*command[:3], f"127.0.0.1:{port}", *command[4:]], settings, tmp_path):
        assert healthy()
    assert not healthy()


def test_the_image_does_not_listen_without_asking_who_calls(tmp_path: Path) -> None:
    settings = {**environment(), **user_of(tmp_path, THINKEDIT_DATA=str(tmp_path / "data"))}
    command = [*json.loads(only("ENTRYPOINT")), *json.loads(only("CMD"))]
    done = subprocess.run(command, env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--tokens" in done.stderr


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return read


def test_compose_keeps_to_the_specification(compose: dict[str, Any]) -> None:
    rules = json.loads((ROOT / "tests" / "data" / "compose.schema.json").read_text("utf-8"))
    assert "draft-07" in rules["$schema"]
    validator = jsonschema.Draft7Validator(rules)
    validator.validate(compose)
    assert not validator.is_valid({**compose, "servces": {}})


def test_what_compose_names_is_there(compose: dict[str, Any]) -> None:
    services, secrets = compose["services"], compose["secrets"]
    assert {name for one in services.values() for name in one.get("secrets", [])} == set(secrets)
    assert {name for one in services.values() for name in one.get("depends_on", {})} <= set(services)
    build = services["thinkedit"]["build"]
    context = DEPLOY / build["context"]
    assert context.resolve() == ROOT
    assert (context / build["dockerfile"]).is_file()
    mounted = [text.split(":")[0] for one in services.values() for text in one.get("volumes", [])]
    for source in mounted:
        assert (DEPLOY / source).is_file() if source.startswith(".") else source in compose["volumes"], source
    # What waits for another to be healthy needs one that says whether it is; the Dockerfile has ours.
    assert "healthcheck" in services["postgres"]


def test_the_replicas_of_compose_are_locked_in(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["thinkedit"]["deploy"]["replicas"] == 2
    assert services["thinkedit"]["read_only"]
    assert services["thinkedit"]["cap_drop"] == ["ALL"]
    assert services["thinkedit"]["volumes"] == [f"pictures:{environment()['THINKEDIT_DATA']}"]
    published = [port for one in services.values() for port in one.get("ports", [])]
    assert published == ["127.0.0.1:8080:8080"]
    # Nothing secret stands in the file itself.
    assert "password:" not in (DEPLOY / "compose.yaml").read_text("utf-8").lower().replace(
        "postgres_password:", ""
    )


def test_the_proxy_sends_to_the_replicas_and_takes_as_much_as_they_do(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    servers = set(re.findall(r"^\s*server ([a-z0-9.]+):(\d+)", text, re.MULTILINE))
    assert servers == {("thinkedit", only("EXPOSE"))}
    assert "thinkedit" in compose["services"]
    (size,) = re.findall(r"client_max_body_size (\d+)m;", text)
    assert int(size) * 2**20 >= Config().server.body_bytes


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    text = (DEPLOY / "nginx.conf").read_text("utf-8").replace("server thinkedit:", "server 127.0.0.1:")
    written = tmp_path / "nginx.conf"
    written.write_text(text.replace("/tmp/", f"{tmp_path}/"))
    done = subprocess.run(
        [nginx, "-t", "-e", "stderr", "-c", str(written)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_caddy_accepts_its_configuration() -> None:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("caddy is not installed")
    command = [caddy, "adapt", "--validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "thinkedit.service").read_text("utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_systemd_accepts_the_unit_and_finds_it_locked_in(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    program = str(Path(sys.executable).with_name("thinkedit"))
    text = (DEPLOY / "thinkedit.service").read_text("utf-8").replace("/opt/thinkedit/bin/thinkedit", program)
    written = tmp_path / "thinkedit.service"
    written.write_text(text)
    verified = subprocess.run([analyze, "verify", str(written)], capture_output=True, text=True, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")
    # In tenths: below 2.0 of 10 is what systemd calls OK.
    judged = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", str(written)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert judged.returncode == 0, judged.stdout[-500:]


def test_the_unit_starts_a_server_that_ends_in_order(tmp_path: Path) -> None:
    (command,) = unit()["ExecStart"]
    port = free_port()
    settings = tmp_path / "thinkedit.toml"
    settings.write_text('data = "data"\n')
    known = {"/opt/thinkedit/bin/thinkedit": "thinkedit", "/etc/thinkedit/thinkedit.toml": str(settings)}
    arguments = [known.get(part, part.replace(":8321", f":{port}")) for part in command.split()]
    assert set(known) <= set(command.split())
    address = f"http://127.0.0.1:{port}/healthz"
    with running(arguments, user_of(tmp_path), tmp_path), urllib.request.urlopen(address) as answer:
        assert answer.status == 200
    assert load_config(settings).data == tmp_path / "data"

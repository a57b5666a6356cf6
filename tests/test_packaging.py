"""What registries and hosts read of us: server.json, and the bundle that installs with one click."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

import thinkedit
from thinkedit.config import SECRET_WORDS, Config, load_config

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import bundle  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def schema(name: str) -> Any:
    """A published schema, as tests/data/SOURCES.md says."""
    return json.loads((ROOT / "tests" / "data" / f"{name}.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def server_json() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ROOT / "server.json").read_text("utf-8"))
    return read


def test_server_json_keeps_to_the_schema_that_it_names(server_json: dict[str, Any]) -> None:
    rules = schema("mcp-server")
    assert server_json["$schema"] == rules["$id"]
    jsonschema.Draft7Validator(rules, format_checker=jsonschema.FormatChecker()).validate(server_json)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**server_json, "description": "x" * 101}, rules)


def test_one_version_everywhere(server_json: dict[str, Any]) -> None:
    (package,) = server_json["packages"]
    stated = {server_json["version"], package["version"], PROJECT["version"], thinkedit.__version__}
    assert stated == {thinkedit.__version__}


def test_the_readme_proves_who_owns_the_package(server_json: dict[str, Any]) -> None:
    # The registry looks for this in the README that PyPI shows.
    assert PROJECT["readme"] == "README.md"
    assert f"mcp-name: {server_json['name']}" in (ROOT / "README.md").read_text("utf-8")
    assert (PROJECT["name"], "pypi") == tuple(
        server_json["packages"][0][k] for k in ("identifier", "registryType")
    )


def test_the_command_that_hosts_make_of_it(server_json: dict[str, Any]) -> None:
    # They put arguments of the runtime first, then name and version, then arguments of the package. Nothing
    # that runs can come after `--from` that way, so the extra is asked for beside the package.
    (package,) = server_json["packages"]

    def words(arguments: list[dict[str, str]]) -> list[str]:
        return [argument[k] for argument in arguments for k in ("name", "value") if k in argument]

    command = [
        package["runtimeHint"],
        *words(package["runtimeArguments"]),
        f"{package['identifier']}=={package['version']}",
        *words(package["packageArguments"]),
    ]
    assert command == ["uvx", "--with", "thinkedit[mcp]", f"thinkedit=={thinkedit.__version__}", "serve"]
    assert "mcp" in PROJECT["optional-dependencies"]
    assert PROJECT["scripts"] == {"thinkedit": "thinkedit.cli:main"}
    # VS Code hands this on as --index-url, and https://pypi.org, all that the registry admits, is no index.
    assert "registryBaseUrl" not in package


def test_variables_are_settings_and_secrets_are_marked(server_json: dict[str, Any]) -> None:
    variables = {entry["name"]: entry for entry in server_json["packages"][0]["environmentVariables"]}
    ours = {name.removeprefix("THINKEDIT_").lower() for name in variables if name.startswith("THINKEDIT_")}
    assert ours == {"config", "data"}
    assert "data" in Config.model_fields
    for name, entry in variables.items():
        secret = any(word in name.lower() for word in SECRET_WORDS)
        assert entry.get("isSecret", False) is secret, name


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, server_json: dict[str, Any]) -> None:
    usual = load_config()
    for entry in server_json["packages"][0]["environmentVariables"]:
        monkeypatch.setenv(entry["name"], "")
    assert load_config() == usual


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle.write(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def unpacked(made: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(made) as archive:
        archive.extractall(tmp_path / "bundle")
    return tmp_path / "bundle"


def manifest_in(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return read


def test_the_manifest_keeps_to_its_schema(unpacked: Path) -> None:
    manifest, rules = manifest_in(unpacked), schema("mcpb-manifest")
    jsonschema.validate(manifest, rules)
    assert manifest["manifest_version"] == rules["properties"]["manifest_version"]["const"]
    assert manifest["version"] == thinkedit.__version__
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**manifest, "server": {**manifest["server"], "type": "pip"}}, rules)


def test_what_a_manifest_refers_to_is_there(unpacked: Path) -> None:
    manifest = manifest_in(unpacked)
    assert (unpacked / manifest["server"]["entry_point"]).is_file()
    arguments = " ".join(manifest["server"]["mcp_config"]["args"])
    chosen = set(re.findall(r"\$\{user_config\.(\w+)\}", arguments))
    assert chosen == set(manifest["user_config"]) == {"allowed_folders", "output_folder", "config_file"}
    assert set(re.findall(r"\$\{(\w+)\}", arguments)) == {"__dirname"}


def test_a_bundle_holds_the_package_and_nothing_else(made: Path, unpacked: Path) -> None:
    names = zipfile.ZipFile(made).namelist()
    beside = {name for name in names if not name.startswith("thinkedit/")}
    assert beside == {"manifest.json", "pyproject.toml", "server.py", "LICENSE", "NOTICE"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    needed = tomllib.loads((unpacked / "pyproject.toml").read_text("utf-8"))
    assert set(needed["project"]["dependencies"]) == {
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["mcp"],
    }
    assert needed["tool"]["uv"] == {"package": False}


def test_equal_files_give_an_equal_bundle(made: Path, tmp_path: Path) -> None:
    assert bundle.write(tmp_path).read_bytes() == made.read_bytes()


def as_a_host_starts_it(folder: Path, chosen: dict[str, Any]) -> tuple[str, list[str]]:
    """Command and arguments with a user's choices put in, as @anthropic-ai/mcpb does it."""
    config = manifest_in(folder)["server"]["mcp_config"]
    arguments: list[str] = []
    for text in config["args"]:
        name = re.fullmatch(r"\$\{user_config\.(\w+)\}", text)
        if name is not None and name[1] in chosen:
            value = chosen[name[1]]
            arguments += value if isinstance(value, list) else [value]
        else:
            arguments.append(text.replace("${__dirname}", str(folder)))
    return config["command"], arguments


@pytest.mark.anyio
async def test_an_unpacked_bundle_serves_the_tools_that_it_lists(unpacked: Path, tmp_path: Path) -> None:
    command, arguments = as_a_host_starts_it(unpacked, {})
    assert (command, arguments[:3]) == ("uv", ["run", "--project", str(unpacked)])
    # Its own code and no other: another version says so.
    face = unpacked / "thinkedit" / "__init__.py"
    face.write_text(face.read_text("utf-8").replace(f'"{thinkedit.__version__}"', '"9.9.9"'), "utf-8")
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    # uv would find the same Python packages in an environment of the bundle's own.
    start = StdioServerParameters(command=sys.executable, args=arguments[3:], env=environment, cwd=home)
    async with Client(start) as client:
        assert client.server_info is not None
        assert client.server_info.version == "9.9.9"
        served = {tool.name: tool.description for tool in (await client.list_tools()).tools}
    listed = {tool["name"]: tool["description"] for tool in manifest_in(unpacked)["tools"]}
    assert list(listed) == list(served)
    assert listed == served


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, []),
        ({"allowed_folders": [], "output_folder": "", "config_file": ""}, []),
        (
            {"allowed_folders": ["/mnt/a b", "/mnt/c"], "output_folder": "/mnt/out"},
            ["--output-dir", "/mnt/out", "--allow", "/mnt/a b", "--allow", "/mnt/c"],
        ),
        ({"config_file": "/etc/thinkedit.toml"}, ["--config", "/etc/thinkedit.toml"]),
    ],
)
def test_what_users_choose_becomes_options(
    unpacked: Path, chosen: dict[str, Any], expected: list[str]
) -> None:
    _, arguments = as_a_host_starts_it(unpacked, chosen)
    code = "import json, sys, server; print(json.dumps(server.serve_arguments(sys.argv[1:])))"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments[4:]], cwd=unpacked, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["serve", *expected]

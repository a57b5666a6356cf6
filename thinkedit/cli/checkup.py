"""What `thinkedit doctor` looks at."""

from __future__ import annotations

import importlib.metadata
import platform
import shlex
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync

import thinkedit
from thinkedit.adapters.base import Checkable
from thinkedit.adapters.models import Models
from thinkedit.cli.failures import exit_code
from thinkedit.cli.hosts import Host, hosts, this_installation
from thinkedit.cli.opening import OWNER
from thinkedit.cli.trial import Tell, Trial, Tried, kind_of, tried
from thinkedit.config import Config, config_file, load_config
from thinkedit.errors import EditorFailed, StoreError, ThinkEditError
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.tools.inputs import loop_settings

__all__ = ["Finding", "Report", "checked"]

CORE = (
    "anyio", "fsspec", "httpx", "langgraph", "langgraph-checkpoint-sqlite", "numpy",
    "opencv-python-headless", "pillow", "pydantic", "pydantic-settings", "rich", "typer",
)  # fmt: skip
EXTRAS: dict[str, tuple[tuple[str, ...], str]] = {
    "mcp": (("mcp",), "the MCP server"),
    "local": (
        ("torch", "torchvision", "diffusers", "transformers", "accelerate", "peft"),
        "models in this process",
    ),
    "quant": (("torchao", "bitsandbytes"), "quantised models in this process"),
    "chat": (
        (
            "langchain",
            "langchain-openai",
            "langchain-anthropic",
            "langchain-google-genai",
            "langchain-ollama",
        ),
        "thinkers behind OpenAI, Anthropic, Google, Ollama and servers that speak as OpenAI does",
    ),
    "openai": (("openai",), "editors behind /v1/images/edits"),
    "heif": (("pillow-heif",), "HEIC pictures"),
    "postgres": (
        ("langgraph-checkpoint-postgres", "psycopg", "psycopg-pool"),
        "sessions in PostgreSQL, which several servers share",
    ),
    "s3": (("s3fs",), "stores on S3"),
}
SLOWEST_CHECK = 15.0
LOADED_HERE = ("diffusers", "transformers")
"""Kinds whose check loads a model of gigabytes: that is for --editor and --thinker."""


@dataclass(frozen=True)
class Finding:
    """part: installed, configured, reachable; or what was tried: editor, thinker, memory.

    good is None for what is merely not there, and for what is neither good nor bad.
    """

    part: str
    name: str
    text: str
    good: bool | None = True
    code: int = 0


@dataclass
class Report:
    findings: list[Finding] = field(default_factory=list)
    packages: dict[str, str | None] = field(default_factory=dict)
    hosts: list[Host] = field(default_factory=list)
    local_hosts: list[Host] = field(default_factory=list)
    tried: Tried | None = None

    @property
    def code(self) -> int:
        return next((finding.code for finding in self.findings if finding.code), 0)

    def document(self) -> dict[str, Any]:
        return {
            "ok": self.code == 0,
            "thinkedit": thinkedit.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": self.packages,
            "findings": [
                {"part": f.part, "name": f.name, "text": f.text, "good": f.good} for f in self.findings
            ],
            "tried": None if self.tried is None else self.tried.document(),
            "hosts": [asdict(host) for host in self.hosts],
            "hosts_without_uv": [asdict(host) for host in self.local_hosts],
        }


async def checked(
    file: Path | None,
    data: Path | None,
    *,
    editor: str | None = None,
    thinker: str | None = None,
    tell: Tell = lambda text: None,
) -> Report:
    """Look at everything; a fault in one part does not hide the others.

    editor, thinker: with either of them the pair that `edit` would take with the same flags is loaded and
        made to work once. Without, the configured pair is only asked whether it is there, as a refiner and
        a safety check always are.
    """
    extras = [package for packages, _ in EXTRAS.values() for package in packages]
    report = Report(
        packages={name: _version(name) for name in (*CORE, *extras)},
        hosts=hosts(),
        local_hosts=hosts(this_installation()),
    )
    found = report.findings
    missing = [name for name in CORE if report.packages[name] is None]
    text = f"missing: {', '.join(missing)}" if missing else f"all {len(CORE)} packages"
    found.append(Finding("installed", "core", text, not missing, 1 if missing else 0))
    found += [_extra(extra, report.packages) for extra in EXTRAS]
    try:
        config = load_config(file, data=data)
        path = config_file(file)
        settings = loop_settings(config.loop, None, {"editor": editor, "thinker": thinker})
    except ThinkEditError as error:
        found.append(Finding("configured", "file", str(error), False, exit_code(error)))
        return report
    found.append(Finding("configured", "file", str(path) if path else "none: defaults hold"))
    await _data(config, found)
    models = Models(config.models)
    pair = [("editor", settings.editor, models.editor), ("thinker", settings.thinker, models.thinker)]
    try:
        if editor is not None or thinker is not None:
            report.tried = await tried(config, settings, models, tell)
            found += _told(report.tried)
        else:
            for role, name, get in pair:
                await _model(role, name, get, config, found)
        if settings.refiner is not None:
            await _model("refiner", settings.refiner, models.refiner, config, found)
        if settings.safety is not None:
            await _model("safety", settings.safety, models.safety, config, found)
    finally:
        tell("letting go of the models")
        await models.aclose()
    return report


def _extra(extra: str, versions: Mapping[str, str | None]) -> Finding:
    """What is there of an extra; half of one is as good as none, but names what is missing."""
    packages, what = EXTRAS[extra]
    there = [f"{package} {versions[package]}" for package in packages if versions[package]]
    missing = [package for package in packages if versions[package] is None]
    if not missing:
        return Finding("installed", extra, ", ".join(there))
    lacking = f" (missing: {', '.join(missing)})" if there else ""
    return Finding("installed", extra, f'for {what}{lacking}: pip install "thinkedit[{extra}]"', None)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


async def _data(config: Config, found: list[Finding]) -> None:
    try:
        text = await run_sync(_writable, config.data)
        found.append(Finding("configured", "data", text))
    except ThinkEditError as error:
        found.append(Finding("configured", "data", str(error), False, exit_code(error)))
        return
    if config.store is not None:
        await _noted("store", found, lambda: run_sync(_store, config.store_url))
    if config.database is not None or (config.data / "sessions.sqlite").exists():
        await _noted("sessions", found, lambda: _sessions(config))


async def _noted(name: str, found: list[Finding], look: Callable[[], Awaitable[str]]) -> None:
    try:
        found.append(Finding("configured", name, await look()))
    except ThinkEditError as error:
        found.append(Finding("configured", name, str(error), False, exit_code(error)))


def _writable(folder: Path) -> str:
    """The folder and the space in it. It is not made: what would hold it is tried instead."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
        free = shutil.disk_usage(there).free
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written: {error.strerror or error}: choose another --data"
        ) from error
    return f"{folder}{'' if there == folder else ' (not there yet)'}, {free / 1e9:,.0f} GB free"


def _store(url: str) -> str:
    next(iter(Store(url).listing()), None)
    return url


async def _sessions(config: Config) -> str:
    ledger = await run_sync(Ledger, config.sessions)
    try:
        count = len(await ledger.sessions(OWNER, 1_000_000))
    finally:
        ledger.close()
    return f"{count} in {ledger.name}"


async def _model(
    role: str, name: str, get: Callable[[str], object], config: Config, found: list[Finding]
) -> None:
    try:
        model = await run_sync(get, name)
        identity = str(getattr(model, "identity", ""))
        text = name if identity.startswith(name) or not identity else f"{name}: {identity}"
        if kind_of(name, config) in LOADED_HERE:
            flag = f"--{role}" if role in ("editor", "thinker") else "--thinker"
            text += f"; not loaded: `thinkedit doctor {flag} {shlex.quote(name)}` loads and tries it"
            found.append(Finding("reachable", role, text, None))
            return
        if isinstance(model, Checkable):
            with anyio.fail_after(SLOWEST_CHECK):
                await model.check()
        found.append(Finding("reachable", role, text))
    except TimeoutError:
        slow = EditorFailed(f"{name} gave no answer within {SLOWEST_CHECK:g} s")
        found.append(Finding("reachable", role, str(slow), False, exit_code(slow)))
    except Exception as error:
        said = str(error) if isinstance(error, ThinkEditError) else f"{type(error).__name__}: {error}"
        found.append(Finding("reachable", role, f"{name}: {said}", False, exit_code(error)))


def _told(tried: Tried) -> list[Finding]:
    """What the models did when they were tried, by model, and then the memory that it took."""
    return [
        *_told_of(tried.editor, "editor", "edit"),
        *_told_of(tried.thinker, "thinker", "critique"),
        *_memory(tried),
    ]


def _told_of(trial: Trial, role: str, work: str) -> list[Finding]:
    named = trial.name if trial.identity in ("", trial.name) else f"{trial.name}: {trial.identity}"
    loaded = Finding(role, "load", f"{named}, {trial.seconds['load']:.1f} s")
    decided = [Finding(role, "decided", line, None) for line in trial.decided]
    if not trial.error:
        return [loaded, *decided, Finding(role, work, f"{trial.seconds[work]:.1f} s: {trial.did}")]
    last = work if work in trial.seconds else "load"
    took = trial.seconds[last]
    after = f" (after {took:.0f} s)" if took >= 1 else ""
    fault = Finding(role, last, f"{trial.name}: {trial.error}{after}", False, trial.code)
    return [fault] if last == "load" else [loaded, *decided, fault]


def _memory(tried: Tried) -> list[Finding]:
    host = "not known on this system" if tried.host_peak_bytes is None else _size(tried.host_peak_bytes)
    found = [Finding("memory", "process", f"at most {host}", None)]
    for device in tried.devices:
        total = device["total_bytes"]
        of = f" of {_size(total)}" if total else ""
        text = f"at most {_size(device['peak_bytes'])}{of}, {device['name']}"
        found.append(Finding("memory", device["device"], text, None))
    if tried.torch and not tried.devices:
        found.append(
            Finding("memory", "device", "torch finds neither CUDA nor MPS: models run on the CPU", None)
        )
    return found


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"

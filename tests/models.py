"""What tests of the model adapters share: heavy packages, and tiny checkpoints that are built once."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

__all__ = ["BUILDER", "LEARNING", "builder", "needed", "tiny"]

BUILDER = Path(__file__).parent.parent / "scripts" / "tiny_models.py"

LEARNING = ("torch", "torchvision", "transformers", "accelerate", "datasets", "trl", "scipy", "matplotlib")
"""What `scripts/learn` needs."""


def needed(name: str) -> Any:
    """The package; the module that asks is skipped where it is not installed.

    `make test-all` installs them all and sets THINKEDIT_TEST_MODELS, so that there a missing one fails.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if os.environ.get("THINKEDIT_TEST_MODELS"):
        module = importlib.import_module(name)
    else:
        module = pytest.importorskip(name)
    if name == "torch":
        module.set_num_threads(1)
    return module


def tiny(name: str) -> Path:
    """The folder of a tiny checkpoint, a name of scripts/tiny_models.py: read it, never write into it.

    Built once for a machine, and again when the script or a library changes; several processes may ask.
    """
    import fcntl

    for package in ("torch", "torchvision", "diffusers", "transformers"):
        needed(package)
    cache = Path(tempfile.gettempdir()) / f"thinkedit-tiny-{os.getuid()}" / _key()
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = cache / name
    if folder.is_dir():
        return folder
    with open(cache / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go by the system where a process dies
        if not folder.is_dir():
            unfinished = cache / f"{name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            builder().build(name, unfinished)
            unfinished.rename(folder)
    return folder


@functools.cache
def builder() -> ModuleType:
    """scripts/tiny_models.py as a module."""
    spec = importlib.util.spec_from_file_location("tiny_models", BUILDER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def _key() -> str:
    """What a checkpoint's bytes depend on."""
    digest = hashlib.sha256()
    for path in (BUILDER, *sorted((BUILDER.parent / "tiny").glob("*.py"))):
        digest.update(path.read_bytes())
    for package in ("torch", "diffusers", "transformers", "tokenizers"):
        digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    return digest.hexdigest()[:16]

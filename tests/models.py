"""What tests of the model adapters share: heavy packages, and tiny checkpoints that are built once."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

__all__ = ["needed"]


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

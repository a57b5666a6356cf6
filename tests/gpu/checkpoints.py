"""benchmarks/gpu/checkpoints.py, which is a script's and in no package, as a module."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["BENCH", "full_size_checkpoints"]

BENCH = Path(__file__).parent.parent.parent / "benchmarks" / "gpu"


def full_size_checkpoints() -> ModuleType:
    name = "full_size_checkpoints"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, BENCH / "checkpoints.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]

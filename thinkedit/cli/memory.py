"""How much memory this process took, on the host and on its devices. Imports no torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

__all__ = ["device_memory", "host_peak"]


def host_peak() -> int | None:
    """The most bytes of memory that this process held at once; None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux its peak is inherited from the process that started this one.
        for line in status.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024


def device_memory() -> list[dict[str, Any]]:
    """{device, name, peak_bytes, total_bytes} of each device that a model here may use.

    Empty where no model of this process brought torch; total_bytes is None where it is not known.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return []
    if torch.cuda.is_available():
        return [
            {
                "device": f"cuda:{index}",
                "name": torch.cuda.get_device_name(index),
                "peak_bytes": int(torch.cuda.max_memory_allocated(index)),
                "total_bytes": int(torch.cuda.get_device_properties(index).total_memory),
            }
            for index in range(torch.cuda.device_count())
        ]
    if torch.backends.mps.is_available():
        held = int(torch.mps.driver_allocated_memory())  # no peak is kept for MPS
        return [{"device": "mps", "name": "Apple GPU", "peak_bytes": held, "total_bytes": None}]
    return []

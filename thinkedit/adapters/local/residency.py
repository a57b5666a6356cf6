"""Which models lie on a device: those that do not fit together take turns, the least recently used leaves.

Blocking, for the threads that own the models. There is one `Residency` for each device of the process, since
all that run there share its memory.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["NoRoom", "Residency", "Resident", "residency_of"]

log = logging.getLogger("thinkedit")


class NoRoom(MemoryError):
    """A model does not fit on its device, whatever leaves it."""


class Resident(Protocol):
    """A loaded model. size: bytes that it takes on the device, weights and a pass together."""

    name: str
    size: int

    def to_device(self) -> None: ...

    def to_host(self) -> None: ...


class Residency:
    """The models on one device.

    free: bytes that are free there now; None for a device without a memory of its own, where every model
    stays.
    """

    def __init__(self, free: Callable[[], int] | None) -> None:
        self._free = free
        self._changed = threading.Condition()
        self._there: dict[int, Resident] = {}  # least recently used first
        self._busy: dict[int, int] = {}
        self._moving = False

    @contextmanager
    def using(self, model: Resident) -> Iterator[None]:
        """Bring the model onto the device and keep it there inside the block. Raises NoRoom."""
        self._enter(model)
        try:
            yield
        finally:
            with self._changed:
                self._busy[id(model)] -= 1
                if not self._busy[id(model)]:
                    del self._busy[id(model)]
                self._changed.notify_all()

    def forget(self, model: Resident) -> None:
        """The model is gone from the device for good."""
        with self._changed:
            self._there.pop(id(model), None)
            self._changed.notify_all()

    @property
    def idle(self) -> int:
        """Bytes that models which nobody uses now would give back."""
        with self._changed:
            return sum(model.size for key, model in self._there.items() if key not in self._busy)

    def _enter(self, model: Resident) -> None:
        key = id(model)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._moving)
                if key in self._there:
                    self._there[key] = self._there.pop(key)
                    self._busy[key] = self._busy.get(key, 0) + 1
                    return
                leaving = self._leaving(model.size)
                if leaving is None:  # what would have to go is in use
                    self._changed.wait()
                    continue
                for other in leaving:
                    del self._there[id(other)]
                self._moving = True
            try:
                for other in leaving:
                    log.info("%s leaves the device to make room for %s", other.name, model.name)
                    other.to_host()
                model.to_device()
            except BaseException:
                with self._changed:
                    self._moving = False
                    self._changed.notify_all()
                raise
            with self._changed:
                self._there[key] = model
                self._busy[key] = self._busy.get(key, 0) + 1
                self._moving = False
                self._changed.notify_all()
                return

    def _leaving(self, size: int) -> list[Resident] | None:
        """Who has to go, least recently used first; None where one has to be waited for."""
        if self._free is None:
            return []
        room = self._free()
        idle = [model for key, model in self._there.items() if key not in self._busy]
        leaving: list[Resident] = []
        for other in idle:
            if room >= size:
                break
            leaving.append(other)
            room += other.size
        if room >= size:
            return leaving
        if len(idle) < len(self._there):
            return None
        raise NoRoom(
            f"it needs about {size / 1e9:.1f} GB and at most {room / 1e9:.1f} GB can be free there: set "
            'placement = "model_offload", a quantization, or another device'
        )


_devices: dict[str, Residency] = {}
_lock = threading.Lock()


def residency_of(device: str) -> Residency:
    """The one of this device, such as `cuda:0`. Only a CUDA device has memory to run out of apart."""
    with _lock:
        if device not in _devices:
            _devices[device] = Residency(_cuda_free(device) if device.startswith("cuda") else None)
        return _devices[device]


def _cuda_free(device: str) -> Callable[[], int]:
    def free() -> int:
        import torch

        # What torch's allocator holds without using it is free for us too.
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + cached)

    return free

"""The libraries kept quiet while they load, and their memory given back."""

from __future__ import annotations

import contextlib
import importlib
import logging
import warnings
from collections.abc import Iterator

__all__ = ["quiet", "release"]


@contextlib.contextmanager
def quiet(*libraries: str) -> Iterator[None]:
    """Without progress bars and remarks of these libraries; what is wrong comes as an error."""
    spoken = [importlib.import_module(f"{library}.utils.logging") for library in libraries]
    before = [(each, each.is_progress_bar_enabled(), each.get_verbosity()) for each in spoken]
    for each in spoken:
        each.disable_progress_bar()
        each.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, shown, level in before:
            each.set_verbosity(level)
            if shown:
                each.enable_progress_bar()


def release(device: str) -> None:
    """Give the memory of models that nobody holds any more back to the device."""
    import gc

    import torch

    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()

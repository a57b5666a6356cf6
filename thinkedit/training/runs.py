"""The folder of a run: what it was begun with, its checkpoints, and the model in the end.

training.json       the configuration, the set's hash and its rows; model options of editors left out
checkpoint-N/       after N steps: weights, optimiser, random state; as transformers writes them
trainer_state.json  every logged value, when the run is through
config.json, …      the model and its processor, or LoRA's adapter, when the run is through
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from thinkedit.errors import SettingsError, StoreError
from thinkedit.training.config import Common

__all__ = ["MADE_WITH", "begin", "finish", "last_checkpoint", "made_with"]

MADE_WITH = "training.json"

FREE = frozenset(
    {
        "device",
        "keep",
        "log_completions",
        "log_steps",
        "models",
        "output",
        "report",
        "run_name",
        "save_steps",
        "workers",
    }
)
"""Options that may change between a run and its resumption; all others would make another run of it."""


def begin(config: Common, *, resume: bool, rows: int) -> None:
    """Make the folder, or see that the run in it is this one. SettingsError, StoreError.

    One process of a run does so; the others find it done.
    """
    if int(os.environ.get("RANK", "0")):
        return
    here = made_with(config.output)
    given = _told(config, rows)
    if here is not None and not resume and any(config.output.glob("checkpoint-*")):
        raise SettingsError(f"{config.output} holds a run already: add --resume, or name another output")
    if resume and here is not None:
        for name in sorted({*here, *given} - FREE):
            if here.get(name) != given.get(name):
                raise SettingsError(
                    f"the run in {config.output} was begun with {name} = {_short(here.get(name))}, now it is "
                    f"{_short(given.get(name))}: set it back, or name another output"
                )
        return
    try:
        config.output.mkdir(parents=True, exist_ok=True)
        text = json.dumps(given, indent=2, sort_keys=True, ensure_ascii=False)
        (config.output / MADE_WITH).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{config.output} cannot be written: {error.strerror or error}") from error


def made_with(folder: Path) -> dict[str, Any] | None:
    """What the run in this folder was begun with, or None where there is none. SettingsError."""
    path = folder / MADE_WITH
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    return value if isinstance(value, dict) else None


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end; a kill may have left a newer one half."""
    whole = []
    for path in folder.glob("checkpoint-*"):
        number = path.name.rpartition("-")[2]
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))  # is written last
        except (OSError, ValueError):
            continue
        if number.isdigit():
            whole.append((int(number), path))
    return max(whole)[1] if whole else None


def finish(trainer: Any, processor: Any) -> None:
    """Write model, processor and every logged value into the run's folder."""
    trainer.save_model()
    trainer.save_state()
    if trainer.is_world_process_zero():
        processor.save_pretrained(trainer.args.output_dir)


def _told(config: Common, rows: int) -> dict[str, Any]:
    told = config.model_dump(mode="json", exclude={"models"})
    with open(config.data, "rb") as file:
        told["data_sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    method = type(config).__name__.removesuffix("Config").lower()
    before, licences = made_with(Path(config.model)), _licences(config.data.parent)
    return told | {"method": method, "rows": rows, "before": before, "licences": licences}


def _licences(folder: Path) -> dict[str, Any] | None:
    """Of the set's sources, by pool, as `thinkedit dataset` counts them; None where nothing says so."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        found = manifest["stages"]["sources"]["licences"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def _short(value: object) -> str:
    return f"{value!r:.80}"

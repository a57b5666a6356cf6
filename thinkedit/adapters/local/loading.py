"""Finding a checkpoint, and one clear line for each of the many ways in which loading it can fail."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from thinkedit.adapters.local.residency import NoRoom
from thinkedit.errors import EditorFailed, ThinkEditError, ThinkerFailed

__all__ = ["Checkpoint", "Failure", "is_folder", "loading", "named", "parameters_in", "resolve", "running"]

Failure = type[EditorFailed] | type[ThinkerFailed]

_ONE_AT_A_TIME = threading.RLock()

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class Checkpoint:
    """Where a model comes from. name: for people and identities, never a path of this machine.

    folder: where it lies, or None for one that the Hub has. revision: of the Hub's.
    """

    model: str
    name: str
    folder: Path | None
    revision: str | None = None


def is_folder(model: str) -> bool:
    """Whether a model is named as a folder of this machine rather than by its id on the Hugging Face Hub."""
    return Path(model).expanduser().is_dir() or model.startswith((".", "/", "~")) or model.count("/") > 1


def named(model: str, revision: str | None = None) -> str:
    """A checkpoint's name in an identity: the id and revision, or the folder's last part and fingerprint."""
    if not is_folder(model):
        return f"{model}@{revision}" if revision else model
    folder = Path(model).expanduser()
    return f"{folder.resolve().name}#{_fingerprint(folder)}" if folder.is_dir() else folder.name


def resolve(model: str, index: str, revision: str | None, failed: Failure) -> Checkpoint:
    """The checkpoint that `model` names. Reads a folder's listing, not the network.

    index: the file that a folder must have. Raises `failed` where the folder is not there or no checkpoint.
    """
    if not is_folder(model):
        if HUB_ID.fullmatch(model) is None:
            raise failed(
                f"the model {model!r} is neither a folder nor an id such as owner/name", retryable=False
            )
        return Checkpoint(model, named(model, revision), None, revision)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise failed(
            f"the model {model!r} is not there: no such folder (an id of the Hugging Face Hub is owner/name)",
            retryable=False,
        )
    if not (folder / index).is_file():
        other = "config.json" if index == "model_index.json" else "model_index.json"
        hint = ""
        if (folder / other).is_file():
            kind = "one model and no pipeline" if other == "config.json" else "a diffusers pipeline"
            hint = f"; it has {other}, so it is {kind}"
        raise failed(f"the folder {model!r} has no {index}{hint}: name another folder", retryable=False)
    return Checkpoint(model, named(model), folder)


def parameters_in(folder: Path) -> dict[str, int]:
    """Parameters by part, each folder below and the folder itself as "", from the headers of weight files.

    Files whose header cannot be read count by their size at two bytes a parameter.
    """
    counts: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".safetensors", ".bin") or not path.is_file():
            continue
        part = path.relative_to(folder).parts[0] if path.parent != folder else ""
        counts[part] = counts.get(part, 0) + _parameters(path)
    return counts


@contextmanager
def loading(model: str, failed: Failure) -> Iterator[None]:
    """Turns whatever loading raises into one line of `failed`, not retryable. Our own errors pass.

    One at a time: while the libraries load a model they change how all of torch makes parameters.
    """
    try:
        with _ONE_AT_A_TIME:
            yield
    except ThinkEditError:
        raise
    except Exception as error:
        raise failed(f"{model} cannot be loaded: {explained(error)}", retryable=False) from error


@contextmanager
def running(model: str, failed: Failure) -> Iterator[None]:
    """Turns a lack of memory during a pass into one line of `failed`; everything else passes."""
    try:
        yield
    except NoRoom as error:
        raise failed(f"{model} does not fit: {error}", retryable=False) from error
    except Exception as error:
        if not _out_of_memory(error):
            raise
        _empty_cache()
        raise failed(f"{model} ran out of memory: {_MEMORY}", retryable=False) from error


_MEMORY = (
    'set placement = "model_offload" (or "sequential_offload"), a quantization such as "int8", a smaller '
    "area or batch, or close what else uses the GPU"
)


def explained(error: BaseException) -> str:
    """What went wrong in loading, and what to do, in one line."""
    text = " ".join(str(error).split())
    for found in _chain(error):
        said = _from_hub(found)
        if said is not None:
            return said
        kind = type(found).__name__
        line = " ".join(str(found).split())
        if isinstance(found, NoRoom):
            return line
        if _out_of_memory(found):
            return f"out of memory: {_MEMORY}"
        if kind == "SafetensorError" or "header too large" in line or "MetadataIncompleteBuffer" in line:
            return f"a weight file is damaged or only half downloaded ({line[:120]}): download it again"
        if isinstance(found, json.JSONDecodeError):
            return f"a configuration file is damaged or half downloaded ({line[:120]}): download it again"
        if isinstance(found, ImportError):
            return f"{line[:300]}"
        if (
            isinstance(found, FileNotFoundError)
            or "no file named" in line
            or "does not appear to have" in line
        ):
            return f"a file is missing, perhaps half downloaded ({line[:300]}): download it again"
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _from_hub(error: BaseException) -> str | None:
    import huggingface_hub.errors as hub

    line = " ".join(str(error).split())
    if isinstance(error, hub.GatedRepoError):
        return "it is gated: accept its licence on huggingface.co, then run `hf auth login` or set HF_TOKEN"
    if isinstance(error, hub.RevisionNotFoundError):
        return "the Hugging Face Hub has the model but not this revision: check `revision`"
    if isinstance(error, hub.RepositoryNotFoundError):
        return "the Hugging Face Hub has no such model, or hides it: check the id, or log in with HF_TOKEN"
    if isinstance(error, hub.HFValidationError):
        return "it is neither a folder nor an id such as owner/name"
    if isinstance(error, hub.LocalEntryNotFoundError) and isinstance(error.__cause__, hub.HfHubHTTPError):
        return _from_hub(error.__cause__)  # it was reached, and said what is wrong
    if isinstance(error, hub.LocalEntryNotFoundError | hub.OfflineModeIsEnabled):
        return (
            "it is not in the local cache, and the Hugging Face Hub cannot be reached (or HF_HUB_OFFLINE is "
            "set): check the id and the network"
        )
    if isinstance(error, hub.EntryNotFoundError):
        return f"the repository lacks a file ({line[:200]}): is it a checkpoint of this kind?"
    if isinstance(error, hub.HfHubHTTPError):
        return f"the Hugging Face Hub answered with an error ({line[:200]}): try again later"
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, the nearest first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ in ("OutOfMemoryError", "AcceleratorError"):
        return isinstance(error, MemoryError) or "out of memory" in str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in str(error).lower() or "can't allocate memory" in str(error)
    )


def _empty_cache() -> None:
    import gc
    import sys

    gc.collect()
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _parameters(path: Path) -> int:
    """The number of values in a weight file."""
    try:
        with path.open("rb") as file:
            if path.suffix != ".safetensors":
                raise ValueError
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length < 100_000_000:
                raise ValueError
            header = json.loads(file.read(length))
        total = 0
        for name, entry in header.items():
            if name != "__metadata__":
                count = 1
                for side in entry["shape"]:
                    count *= int(side)
                total += count
        return total
    except (OSError, ValueError, KeyError, TypeError):
        return path.stat().st_size // 2


def _fingerprint(folder: Path) -> str:
    """Eight digits over the names and sizes of the files and the text of the small ones among them."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".cache" not in path.parts:
            size = path.stat().st_size
            state.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
            if path.suffix in (".json", ".py", ".jinja") and size < 1_000_000:
                state.update(path.read_bytes())
    return state.hexdigest()[:8]

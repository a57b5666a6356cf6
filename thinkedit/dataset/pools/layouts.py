"""The kinds of pools: which files each has, how it is licensed, and what its records say.

OpenGPT-4o-Image: `editing.json` and `gen.json`, `{input_prompt, input_image: [path], output_image}`.
ShareGPT-4o-Image: `text_and_image_to_image.json` and `text_to_image.json`, of the same fields.
Pico-Banana-400K: `sft.jsonl` and `preference.jsonl`, `{open_image_input_url, text, summarized_text,
edit_type, output_image}`, with `local_input_image` once its mapping script has run; `multi-turn.jsonl`,
`{files: [...], metadata_edit_turn_prompts: [...]}`.
docs/data.md says what of this was read at its source.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from thinkedit.dataset.pools.rows import Embedded, Entry, Fault, Skipped
from thinkedit.errors import SettingsError

__all__ = ["KINDS", "Layout", "layout_of"]

Read = Entry | Skipped | Fault


@dataclass(frozen=True)
class Layout:
    """One kind of pool.

    files: names of its annotation files; of each tuple the first that a folder (or its folder `jsonl`)
    holds is read. Empty: the one JSONL file that lies there. licence: of the pool, as its publishers
    state it; None where rows or the caller say.
    """

    name: str
    files: tuple[tuple[str, ...], ...]
    licence: str | None
    read: Callable[[Mapping[str, Any]], Read]


def layout_of(kind: str) -> Layout:
    """The layout of that name. SettingsError for an unknown one."""
    try:
        return KINDS[kind]
    except KeyError:
        raise SettingsError(f"there is no pool of kind {kind!r}: name one of {', '.join(KINDS)}") from None


def _prompted(record: Mapping[str, Any]) -> Read:
    """OpenGPT-4o-Image and ShareGPT-4o-Image, which name no task and no id."""
    images = record.get("input_image")
    images = [images] if isinstance(images, str | Embedded) else images
    if images is None or images == []:
        return Skipped("text_to_image")
    if not isinstance(images, list):
        return Fault("bad_record", f"input_image is {_short(images)}, and no path or list of one path")
    if len(images) > 1:
        return Skipped("several_images")
    output = record.get("output_image")
    return _entry(record, images, "input_prompt", id=_stem(output) if isinstance(output, str) else None)


def _pico(record: Mapping[str, Any]) -> Read:
    if "metadata_edit_turn_prompts" in record or "files" in record:
        return Skipped("multi_turn")
    images = [record.get("local_input_image"), record.get("open_image_input_url")]
    found = [_name_of_url(image) for image in images if image]
    output, task = record.get("output_image"), record.get("edit_type")
    return _entry(
        record,
        found,
        "text" if record.get("text") else "summarized_text",
        id=_stem(output) if isinstance(output, str) else None,
        task_type=task if isinstance(task, str) and task.strip() else None,
    )


def _plain(record: Mapping[str, Any]) -> Read:
    """A folder of one's own: {image, instruction, task_type?, id?, licence?, pool?}."""
    image = record.get("image")
    given: dict[str, str | None] = {}
    for name in ("task_type", "id", "licence", "pool"):
        value = record.get(name)
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if value is not None and not (isinstance(value, str) and value.strip()):
            return Fault("bad_record", f"{name} is {_short(value)}, and no text")
        given[name] = value
    return _entry(record, [image] if image is not None else [], "instruction", **given)


def _entry(record: Mapping[str, Any], images: list[Any], words: str, **rest: Any) -> Read:
    instruction = record.get(words)
    if instruction is None or (isinstance(instruction, str) and not instruction.strip()):
        return Fault("no_instruction", f"{words} is missing or empty")
    if not isinstance(instruction, str):
        return Fault("bad_record", f"{words} is {_short(instruction)}, and no text")
    usable = [_picture(image) for image in images]
    if not usable:
        return Fault("missing_image", "the record names no picture")
    if None in usable:
        return Fault("bad_record", f"its picture is {_short(images[usable.index(None)])}, and no path")
    return Entry(images=tuple(i for i in usable if i is not None), instruction=instruction.strip(), **rest)


def _picture(image: Any) -> str | Embedded | None:
    if isinstance(image, str):
        return image if image.strip() and "\0" not in image else None
    return image if isinstance(image, Embedded) else None


def _name_of_url(image: Any) -> Any:
    if isinstance(image, str) and image.startswith(("http://", "https://")):
        return posixpath.basename(urlsplit(image).path)
    return image


def _stem(path: str) -> str:
    """`images/positive-edit/1.png` -> `positive-edit/1`: unique in the pool, and short."""
    parts = PurePosixPath(path).with_suffix("").parts if path.strip("/") else ()
    return "/".join(parts[-2:])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


KINDS: dict[str, Layout] = {
    "opengpt-4o-image": Layout(
        "opengpt-4o-image", (("editing.json",), ("gen.json",)), "Apache-2.0 (as its page states)", _prompted
    ),
    "sharegpt-4o-image": Layout(
        "sharegpt-4o-image",
        (("text_and_image_to_image.json",), ("text_to_image.json",)),
        "not stated where we could read it; see its page",
        _prompted,
    ),
    "pico-banana-400k": Layout(
        "pico-banana-400k",
        (
            ("sft_with_local_source_image_path.jsonl", "sft-mapped.jsonl", "sft.jsonl"),
            ("preference-mapped.jsonl", "preference.jsonl"),
            ("multi-turn-mapped.jsonl", "multi-turn.jsonl", "multi_turn.jsonl"),
        ),
        "CC BY-NC-ND 4.0 (as its README states; source pictures: Open Images, CC BY 2.0)",
        _pico,
    ),
    "folder": Layout("folder", (), None, _plain),
}

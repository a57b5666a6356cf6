"""Small folders in the official layout of each benchmark, with every category, from real photographs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from thinkedit.evaluation.benchmarks.gedit.data import COUNTS as GEDIT
from thinkedit.evaluation.benchmarks.imgedit.reading import COUNTS as IMGEDIT
from thinkedit.evaluation.benchmarks.kris.types import COUNTS as KRIS
from thinkedit.evaluation.benchmarks.rise import COUNTS as RISE

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
NAMES = ("astronaut.png", "chelsea.png", "china.jpg", "coffee.png", "rocket.jpg")
INSTRUCTIONS = ("make it warmer", "make it brighter", "increase the contrast", "turn it into black and white")
SIDE = 48


def picture(number: int, kind: str = "PNG", side: int = SIDE) -> bytes:
    """A small copy of one of the photographs, another one for each number."""
    with Image.open(PHOTOS / NAMES[number % len(NAMES)]) as opened:
        left = 7 * number % 90
        small = opened.convert("RGB").crop((left, 0, left + 160, 160)).resize((side, side))
    buffer = io.BytesIO()
    small.save(buffer, kind)
    return buffer.getvalue()


def instruction(number: int) -> str:
    """Something that the photo editor understands."""
    return INSTRUCTIONS[number % len(INSTRUCTIONS)]


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    write(path, json.dumps(value).encode())


def imgedit(folder: Path, each: int = 1) -> Path:
    records = {}
    for number, kind in enumerate(kind for kind in IMGEDIT for _ in range(each)):
        name = f"daily object/{kind}_{number}.jpg"
        records[str(number)] = {"id": name, "prompt": instruction(number), "edit_type": kind}
        write(folder / "singleturn" / name, picture(number, "JPEG"))
    write_json(folder / "singleturn" / "singleturn.json", records)
    return folder


def gedit_records(each: int = 1) -> list[dict[str, Any]]:
    return [
        {
            "task_type": kind,
            "key": f"{number:032x}",
            "instruction": instruction(number) if language == "en" else "变暖",
            "instruction_language": language,
            "input_image": {"bytes": picture(number), "path": None},
            "input_image_raw": {"bytes": picture(number), "path": None},
            "Intersection_exist": number % 2 == 0,
        }
        for number, kind in enumerate(kind for kind in GEDIT for _ in range(each))
        for language in ("en", "cn")
    ]


def gedit(folder: Path, each: int = 1) -> Path:
    """As the hub's Parquet files hold it."""
    import pyarrow
    from pyarrow import parquet

    target = folder / "data" / "train-00000-of-00001.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(gedit_records(each)), target)
    return folder


def gedit_arrow(folder: Path, each: int = 1) -> Path:
    """As `Dataset.save_to_disk` writes it."""
    import pyarrow
    from pyarrow import ipc

    table = pyarrow.Table.from_pylist(gedit_records(each))
    folder.mkdir(parents=True, exist_ok=True)
    with ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), table.schema) as stream:
        stream.write_table(table)
    return folder


def gedit_exported(folder: Path, each: int = 1) -> Path:
    """A folder of pictures with a list."""
    lines = []
    for record in gedit_records(each):
        name = f"images/{record['key']}.png"
        write(folder / name, record["input_image"]["bytes"])
        lines.append({**record, "input_image": name, "input_image_raw": name})
    write(folder / "metadata.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    return folder


def rise(folder: Path, each: int = 1, *, full: bool = True) -> Path:
    """Every category and every way in which a sample may have its reference."""
    ways: dict[str, list[dict[str, Any]]] = {
        "temporal_reasoning": [{"reference": "later"}],
        "causal_reasoning": [
            {"reference": "broken", "reasoning_img": True},
            {"reference": "melted", "consistency_free": True},
        ],
        "spatial_reasoning": [
            {"reference": "assembled"},
            {"reference_img": "spatial_reasoning_images/reference.png"},
            {"reference": "turned", "reasoning_img": True},
        ],
        "logical_reasoning": [
            {"reference_txt": "42"},
            {"reference_img": "logical_reasoning_images/reference.png"},
            {"reference_img": "logical_reasoning_images/reference.png", "reasoning_wo_ins": True},
        ],
    }
    subtasks = {
        "temporal_reasoning": "Life Progression",
        "causal_reasoning": "State Transition",
        "spatial_reasoning": "Object Arrangement",
        "logical_reasoning": "Puzzle Solving",
    }
    records = []
    number = 0
    for category in RISE:
        for way in ways[category] * each:
            number += 1
            image = f"{category}_images/{number}.png"
            write(folder / "data" / image, picture(number))
            if "reference_img" in way:
                write(folder / "data" / way["reference_img"], picture(number + 1))
            record = {
                "index": f"{category}_{number}",
                "category": category,
                "instruction": instruction(number),
                "image": image,
                **way,
            }
            if full:
                record["subtask"] = subtasks[category]
            records.append(record)
    name = "datav2_total_w_subtask.json" if full else "data_total.json"
    write_json(folder / name, records)
    return folder


def _kris_records(each: int) -> dict[str, dict[str, dict[str, Any]]]:
    records: dict[str, dict[str, dict[str, Any]]] = {}
    for number, kind in enumerate(KRIS):
        for at in range(1, each + 1):
            source: str | list[str] = f"{at}.png"
            if kind == "temporal_prediction":
                source = [f"{at}-{frame}.png" for frame in (1, 2, 4)]
            elif kind == "multi-element_composition":
                source = [f"{at}-{part}.png" for part in range(1, 3 + at % 2)]
            truth = f"{at}_gt.png" if kind == "viewpoint_change" else ""
            record = {"ori_img": source, "gt_img": truth, "ins_en": instruction(number + at)}
            record["explain_en"] = "what a right result shows"
            if kind == "abstract_reasoning":
                del record["gt_img"]
            records.setdefault(kind, {})[str(at)] = record
    return records


def kris(folder: Path, each: int = 1, *, flat: bool = False) -> Path:
    listed = []
    for number, (kind, records) in enumerate(_kris_records(each).items()):
        root = folder / "KRIS_Bench" / kind
        for at, record in records.items():
            source = record["ori_img"]
            names = [*(source if isinstance(source, list) else [source]), record.get("gt_img")]
            for part, name in enumerate(filter(None, names)):
                write(root / name, picture(number + int(at) + part))
            listed.append({"id": at, "type": kind, **record})
        if not flat:
            write_json(root / "annotation.json", records)
    if flat:
        write_json(folder / "final_data.json", listed)
    return folder


MAKERS = {"imgedit": imgedit, "gedit": gedit, "rise": rise, "kris": kris}

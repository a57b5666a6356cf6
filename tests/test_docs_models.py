"""The blocks of configuration in the docs are read, and each model in them is made, without a network."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
from pathlib import Path
from typing import Any

import pytest

from thinkedit.adapters.judges import JUDGES
from thinkedit.adapters.models import Models
from thinkedit.adapters.registry import EDITORS, THINKERS
from thinkedit.config import Config, load_config
from thinkedit.errors import MissingExtra

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/models.md", "docs/hosting.md")
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY")


def blocks() -> list[Any]:
    """(page, block) of every TOML block, named by the first table in it."""
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL), 1):
            name = re.search(r"^\[([\w.-]+)\]", block, re.MULTILINE)
            found.append(pytest.param(page, block, id=f"{page}-{number}-{name[1] if name else 'settings'}"))
    return found


def loaded(block: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The configuration in a folder that has the files it names, with every key that it wants set."""
    for name in list(os.environ):
        if name.startswith("THINKEDIT_") and name != "THINKEDIT_TEST_MODELS":
            monkeypatch.delenv(name)
    for name in (*KEYS, *re.findall(r'^api_key_env = "(\w+)"', block, re.MULTILINE)):
        monkeypatch.setenv(name, "not-a-real-key")
    monkeypatch.chdir(folder)
    for name in re.findall(r'^(?:prompt_)?template = "([^"]+)"', block, re.MULTILINE):
        text = "<image><image> {original_instruction} {rewritten_prompt}"
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "thinkedit.toml").write_text(block, encoding="utf-8")
    return load_config(folder / "thinkedit.toml")


@pytest.mark.parametrize(("page", "block"), blocks())
def test_every_block_is_read_and_its_models_are_made(
    page: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = loaded(block, tmp_path, monkeypatch)
    models = Models(config.models)
    made = set()
    missing: MissingExtra | None = None
    for name, options in config.models.items():
        kind = str(options["kind"]).partition(":")[0]
        assert kind in {*EDITORS, *THINKERS, *JUDGES}, f"{page}: {name} is of no kind that there is"
        ways = [models.editor if kind in EDITORS else models.thinker if kind in THINKERS else models.judge]
        for get in [models.safety] if name == config.loop.safety else ways:
            try:
                model = get(name)
            except MissingExtra as error:
                missing = error
            else:
                assert "not-a-real-key" not in f"{model.identity} {model!r}"
                made.add(name)
    for role in ("editor", "thinker", "refiner", "safety"):
        name = getattr(config.loop, role)
        assert name in config.models or name in ("photo", "measured", None), f"{page}: no {role} {name!r}"
    if missing is not None:
        assert not os.environ.get("THINKEDIT_TEST_MODELS"), str(missing)
        pytest.skip(str(missing))
    assert made == set(config.models)


def test_there_are_blocks_for_every_kind() -> None:
    shown = {
        str(kind).partition(":")[0]
        for page in PAGES
        for kind in re.findall(r'^kind = "([^"]+)"', (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {"diffusers", "openai-images", "editthinker-api", "chat", "transformers"} <= shown


@pytest.mark.parametrize("kind", ["diffusers", "openai-images", "editthinker-api", "chat", "transformers"])
def test_every_option_is_in_the_docs(kind: str) -> None:
    module, _, name = {**EDITORS, **THINKERS}[kind].partition(":")
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    made = getattr(importlib.import_module(module), name)
    keyword = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    options = [p.name for p in inspect.signature(made).parameters.values() if p.kind in keyword]
    undocumented = [option for option in options if not re.search(rf"\b{option}\b", page)]
    assert options
    assert undocumented == []


def test_every_family_with_a_preset_is_in_the_docs_and_no_other() -> None:
    from thinkedit.adapters.editors.diffusers.presets import PRESETS

    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(\w+Pipeline)`", page)) == set(PRESETS)


def test_pages_that_the_docs_name_exist() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def test_the_table_of_placements_is_what_is_decided() -> None:
    from thinkedit.adapters.local.placement import Machine, Wanted, decide

    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    billions = {
        "FLUX.1-Kontext-dev": (16.9, 11.9),
        "Qwen-Image-Edit": (28.8, 20.4),
        "FLUX.2-klein-4B": (8.0, 4.0),
        "Qwen3-VL-8B": (8.8, 8.8),
    }
    table = page[page.index("| free memory of the GPU") :].partition("\n\n")[0].splitlines()
    sizes = [int(cell) for cell in table[0].strip("| ").split(" | ")[1:]]
    rows = 0
    for line in table[2:]:
        named, *cells = line.strip("| ").split(" | ")
        model, _, quantization = named.partition(", ")
        parameters, largest = (int(count * 1e9) for count in billions[model])
        thinker = model == "Qwen3-VL-8B"
        for size, cell in zip(sizes, cells, strict=True):
            free = size * 10**9
            decision = decide(
                Machine("cuda:0", "GPU", free, free, 200 * 10**9, bf16=True, fp8=True),
                Wanted(quantization=quantization or None),
                parameters=parameters,
                largest_part=largest,
                working=2_000_000_000 if thinker else 1024 * 1024 * 4_000,
            )
            offload = "spread" if thinker else decision.placement.removesuffix("_offload")
            decided = "device" if decision.placement == "device" else offload
            assert decided == cell, f"{named} at {size} GB"
        rows += 1
    assert rows == 12


def words_of_the_source() -> str:
    """Every text in the package, with a mark where a value is put in, one a line."""
    texts = []
    for path in sorted((ROOT / "thinkedit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                pieces = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                texts.append("".join(str(piece) for piece in pieces))
    return "\n".join(texts)


def test_errors_in_the_docs_are_errors_that_there_are() -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    table = page[page.index("| it says | it means |") :].partition("\n\n")[0].splitlines()[2:]
    source = words_of_the_source()
    missing = [
        piece
        for line in table
        for said in re.findall(r"`([^`]+)`", line.split("|")[1])
        for piece in re.split(r"\s?\.\.\.\s?", said)
        if piece and piece not in source
    ]
    assert len(table) > 8
    assert missing == []


@pytest.mark.parametrize(
    ("row", "pipeline"),
    [
        ("FLUX.1-Kontext-dev", "FluxKontextPipeline"),
        ("FLUX.2-klein-4B", "Flux2KleinPipeline"),
        ("FLUX.2-dev", "Flux2Pipeline"),
        ("Qwen-Image-Edit ", "QwenImageEditPipeline"),
        ("Qwen-Image-Edit-2509", "QwenImageEditPlusPipeline"),
        ("LongCat-Image-Edit", "LongCatImageEditPipeline"),
        ("InstructPix2Pix ", "StableDiffusionInstructPix2PixPipeline"),
    ],
)
def test_the_table_of_editors_says_what_the_presets_say(row: str, pipeline: str) -> None:
    from thinkedit.adapters.editors.diffusers.presets import preset_for

    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith(f"| {row}"))
    *_, how, shares, run = [cell.strip() for cell in line.strip("|").split("|")]
    preset = preset_for(type(pipeline, (), {}), row.strip())
    assert how.startswith(f"{preset.steps},")
    for value in preset.guidance.values():
        assert f"{value:.1f}" in how
    assert shares == (
        "sessions and candidates" if preset.batch else "candidates" if preset.several else "nothing"
    )
    assert run == ("tiny" if preset.ran else "no")


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        ("diffusers", "## Editors in this process"),
        ("openai-images", "### `openai-images`"),
        ("transformers", "## Thinkers in this process"),
        ("chat", "## Thinkers behind servers"),
    ],
)
def test_numbers_that_the_tables_of_options_give_are_the_defaults(kind: str, heading: str) -> None:
    module, _, name = {**EDITORS, **THINKERS}[kind].partition(":")
    given = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    table = page[page.index("| option | default |", page.index(heading)) :].partition("\n\n")[0]
    compared = 0
    for line in table.splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        options, defaults = re.findall(r"`(\w+)`", cells[0]), cells[1].split(", ")
        for option, default in zip(options, defaults, strict=False):
            value = given[option].default
            if len(options) == len(defaults) and isinstance(value, int | float) and value is not False:
                shown = "true" if value is True else f"{value:g}" if isinstance(value, float) else str(value)
                assert default == shown, f"{kind}: {option}"
                compared += 1
    assert compared >= 2

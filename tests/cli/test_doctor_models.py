"""`thinkedit doctor` with models that are really loaded: tiny checkpoints of the real classes, on the CPU."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.models import needed, tiny

from .conftest import Done, Invoke, Place

torch = needed("torch")
needed("diffusers")
needed("transformers")

pytestmark = pytest.mark.models


def configured(place: Place, *, editor: Path, thinker: Path, more: str = "") -> None:
    editing = f'model = "{editor}"\nsteps = 2\narea = 65536\ndevice = "cpu"\n'
    thinking = f'model = "{thinker}"\nmax_pixels = 65536\ndevice = "cpu"\n'
    place.configure(
        more=f'[models.draws]\nkind = "diffusers"\n{editing}'
        f'[models.looks]\nkind = "transformers"\n{thinking}{more}'
    )


def lines(done: Done, part: str) -> list[tuple[str, str]]:
    return [(one["name"], one["text"]) for one in done.json["findings"] if one["part"] == part]


def test_a_pair_that_is_loaded_and_works(place: Place, invoke: Invoke) -> None:
    configured(place, editor=tiny("flux-kontext"), thinker=tiny("qwen3-vl"), more="constrained = true\n")
    done = invoke("doctor", "--editor", "draws", "--thinker", "looks", "--json")
    assert (done.code, done.err) == (0, "")
    tried: dict[str, Any] = done.json["tried"]
    assert tried["editor"]["did"].startswith("512 x 384 pixels")
    assert any("FluxKontextPipeline" in line for line in tried["editor"]["decided"])
    assert any("cpu" in line for line in tried["thinker"]["decided"])
    assert 0 <= tried["thinker"]["semantic"] <= 10
    assert "tokens read" in tried["thinker"]["did"]
    assert tried["editor"]["seconds"]["load"] > 0
    assert tried["torch"] is True
    assert tried["host_peak_bytes"] > 100_000_000
    assert str(tiny("qwen3-vl").parent) not in tried["editor"]["identity"] + tried["thinker"]["identity"]


def test_a_thinker_too_small_for_the_form(place: Place, invoke: Invoke) -> None:
    more = "max_tokens = 24\ncorrective_retry = false\n"
    configured(place, editor=tiny("flux-kontext"), thinker=tiny("qwen3-vl"), more=more)
    done = invoke("doctor", "--editor", "fake-editor", "--thinker", "looks", "--json")
    assert done.code == 4
    name, text = lines(done, "thinker")[-1]
    assert name == "critique"
    assert "answers, but not in the form that is asked for" in text
    assert "constrained = true" in text


def test_what_is_no_checkpoint_is_one_line(place: Place, invoke: Invoke, tmp_path: Path) -> None:
    half = tmp_path / "half"
    shutil.copytree(tiny("flux-kontext"), half)
    weights = next(half.glob("transformer/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100_000])
    configured(place, editor=half, thinker=tmp_path / "nowhere")
    done = invoke("doctor", "--editor", "draws", "--thinker", "looks", "--json")
    assert (done.code, done.err) == (4, "")
    name, text = lines(done, "editor")[-1]
    assert name == "load"
    assert "half downloaded" in text
    name, text = lines(done, "thinker")[-1]
    assert name == "load"
    assert "no such folder" in text

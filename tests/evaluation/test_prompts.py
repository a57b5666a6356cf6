"""What each rubric shows: our own wording, official files of a user's own, pictures and captions in order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation import folders
from thinkedit.adapters.base import Question
from thinkedit.errors import InputError
from thinkedit.evaluation.base import Ask, Benchmark, create_benchmark
from thinkedit.evaluation.benchmarks.imgedit.reading import DIMENSIONS
from thinkedit.evaluation.benchmarks.kris.prompts import OWN as KRIS
from thinkedit.evaluation.benchmarks.rise.prompts import OWN as RISE
from thinkedit.evaluation.records import Sample
from thinkedit.images import Picture, load

EDITED = Picture.from_pixels(np.full((folders.SIDE, folders.SIDE, 3), 7, np.uint8))


def official(name: str, folder: Path) -> Path:
    """Files with the names and placeholders of the official ones, and words of our own."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == "imgedit":
        folders.write_json(folder / "prompts.json", {kind: f"{kind}: <edit_prompt>?" for kind in DIMENSIONS})
    elif name == "gedit":
        (folder / "viescore").mkdir(exist_ok=True)
        (folder / "viescore" / "vie_prompts.py").write_text(
            'import os\n_context_no_delimit = """Context."""\n_prompts_0shot_two_image_edit_rule = "Two."\n'
            '_prompts_0shot_tie_rule_SC = "SC <instruction>?"\n_prompts_0shot_rule_PQ = ("P" "Q.")\n'
            "x = os.sep\n"
        )
    else:
        own = RISE if name == "rise" else KRIS
        lines = [f'{prompt} = """{prompt} {{{{x}}}} {{instruct}}"""' for prompt in own]
        (folder / ("utils.py" if name == "rise" else "prompts.py")).write_text("\n".join(lines))
    return folder


def asked(benchmark: Benchmark, sample: Sample, folder: Path | None = None) -> dict[str, Ask]:
    pictures = [load(path).picture for path in sample.images]
    return benchmark.asks(sample, pictures, EDITED, benchmark.prompts(folder))


def parts(ask: Ask) -> tuple[str | Picture, ...]:
    assert isinstance(ask, Question)
    return ask.parts


def of(name: str, tmp_path: Path) -> tuple[Benchmark, dict[str, Sample]]:
    benchmark = create_benchmark(name)
    loaded = benchmark.load(folders.MAKERS[name](tmp_path / "data"), tmp_path / "work")
    return benchmark, {sample.id: sample for sample in loaded.samples}


@pytest.mark.parametrize("name", folders.MAKERS)
def test_our_own_wording_is_complete_and_says_that_it_is_ours(name: str, tmp_path: Path) -> None:
    benchmark, samples = of(name, tmp_path)
    prompts = benchmark.prompts()
    assert not prompts.official
    for sample in samples.values():
        for ask in asked(benchmark, sample).values():
            text = next(part for part in parts(ask) if isinstance(part, str))
            assert not any(
                left in text for left in ("{instruct", "{ref", "{expl", "{N}", "<edit", "<instr", "{{")
            )
            assert parts(ask)[-1] == EDITED or "ground truth" in str(parts(ask)) or name == "kris"


@pytest.mark.parametrize("name", folders.MAKERS)
def test_official_files_are_read_and_never_run(name: str, tmp_path: Path) -> None:
    benchmark, samples = of(name, tmp_path)
    folder = official(name, tmp_path / "official")
    assert benchmark.prompts(folder).official
    sample = next(iter(samples.values()))
    texts = [parts(ask)[0] for ask in asked(benchmark, sample, folder).values()]
    expected = {
        "imgedit": [f"extract: {sample.instruction}?"],
        "gedit": [f"Context.\nTwo.\nSC {sample.instruction}?", "Context.\nPQ."],
        "rise": [
            f"{prompt} {{x}} {sample.instruction}"
            for prompt in ("prompt_consist", "prompt_reasoning", "prompt_generation")
        ],
        "kris": [
            f"prompt_consist {{x}} {sample.instruction}",
            f"prompt_instruction_following {{x}} {sample.instruction}",
            "prompt_quality {{x}} {instruct}",  # the official scorer fills nothing into this one
        ],
    }
    assert texts == expected[name]


@pytest.mark.parametrize("name", folders.MAKERS)
def test_a_folder_without_the_official_files_says_where_they_are(name: str, tmp_path: Path) -> None:
    benchmark = create_benchmark(name)
    with pytest.raises(InputError, match=r"the official prompts are in .*github\.com"):
        benchmark.prompts(tmp_path)
    folder = official(name, tmp_path)
    file = next(path for path in folder.rglob("*") if path.is_file())
    if file.suffix == ".json":
        file.write_text(json.dumps({"add": "x"}))
    else:
        file.write_text("prompt_consist = 3")
    with pytest.raises(InputError, match="has no prompt"):
        benchmark.prompts(tmp_path)
    file.write_text("x = (")
    with pytest.raises(InputError, match="get"):
        benchmark.prompts(tmp_path)


def test_a_placeholder_that_nobody_fills_is_told(tmp_path: Path) -> None:
    benchmark, samples = of("rise", tmp_path)
    folder = official("rise", tmp_path / "official")
    text = (folder / "utils.py").read_text().replace("prompt_consist {{x}}", "prompt_consist {mood}")
    (folder / "utils.py").write_text(text)
    with pytest.raises(InputError, match="'prompt_consist' has a placeholder"):
        asked(benchmark, samples["temporal_reasoning_1"], folder)


def test_rise_shows_source_reference_or_output_alone_as_the_sample_says(tmp_path: Path) -> None:
    benchmark, samples = of("rise", tmp_path)
    shown = {}
    for name, sample in samples.items():
        source, *rest = (load(path).picture for path in sample.images)
        names = {source: "source", EDITED: "output", **dict.fromkeys(rest, "reference")}
        shown[name.removesuffix("_1").replace("_reasoning", "")] = {
            ask: [names[part] for part in parts(question) if isinstance(part, Picture)]
            for ask, question in asked(benchmark, sample).items()
        }
    both, alone = ["source", "output"], ["output"]
    assert shown == {
        "temporal": {"consistency": both, "reasoning": alone, "plausibility": alone},
        "causal_2": {"consistency": both, "reasoning": both, "plausibility": alone},
        "causal_3": {"reasoning": alone, "plausibility": alone},
        "spatial_4": {"consistency": both, "reasoning": alone, "plausibility": alone},
        "spatial_5": {
            "consistency": ["reference", "output"],
            "reasoning": ["reference", "output"],
            "plausibility": alone,
        },
        "spatial_6": {"consistency": both, "reasoning": both, "plausibility": alone},
        "logical_7": {"consistency": both, "reasoning": alone},
        "logical_8": {"consistency": ["reference", "output"], "reasoning": ["reference", "output"]},
        "logical_9": {"consistency": ["reference", "output"], "reasoning": ["reference", "output"]},
    }


def test_rise_shows_large_pictures_at_768_pixels(tmp_path: Path) -> None:
    benchmark, samples = of("rise", tmp_path)
    sample = samples["temporal_reasoning_1"]
    large = Picture.from_pixels(np.zeros((500, 1536, 3), np.uint8))
    asks = benchmark.asks(sample, [large], large, benchmark.prompts())
    sizes = {(p.width, p.height) for ask in asks.values() for p in parts(ask) if isinstance(p, Picture)}
    assert sizes == {(768, 250)}


def test_gedit_shows_the_edited_picture_at_the_size_of_the_source(tmp_path: Path) -> None:
    benchmark, samples = of("gedit", tmp_path)
    sample = next(iter(samples.values()))
    source = load(sample.images[0]).picture
    larger = Picture.from_pixels(np.zeros((90, 70, 3), np.uint8))
    asks = benchmark.asks(sample, [source], larger, benchmark.prompts())
    assert [len(parts(ask)) for ask in asks.values()] == [3, 2]
    for ask in asks.values():
        last = parts(ask)[-1]
        assert isinstance(last, Picture)
        assert (last.width, last.height) == (source.width, source.height)


def test_kris_shows_every_source_with_a_caption(tmp_path: Path) -> None:
    benchmark, samples = of("kris", tmp_path)

    def captions(kind: str, ask: str) -> list[str]:
        said = parts(asked(benchmark, samples[f"{kind}/1"])[ask])[1:]
        assert all(isinstance(part, Picture) for part in said[1::2])
        return [str(part) for part in said[::2]]

    pair = ["This is the original image:", "This is the edited image:"]
    assert captions("color_change", "consistency") == pair
    assert captions("physics", "dual") == pair
    assert captions("viewpoint_change", "instruction") == [*pair, "This is the ground truth image:"]
    assert captions("viewpoint_change", "consistency") == pair
    assert captions("multi-element_composition", "instruction") == [
        *(f"Reference Image {at}:" for at in (1, 2, 3)),
        "Predicted Image:",
    ]
    frames = [
        f"Frame {at} ({what}):" for at, what in enumerate(("Reference",) * 2 + ("Generated", "Reference"), 1)
    ]
    assert captions("temporal_prediction", "consistency") == frames
    assert captions("physics", "quality") == ["This is the edited image:"]
    assert "instruction" not in asked(benchmark, samples["physics/1"])

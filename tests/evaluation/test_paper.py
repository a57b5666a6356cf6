"""The paper's numbers: all there, the right ones beside ours, and its disagreements with itself told."""

from __future__ import annotations

import pytest

from thinkedit.evaluation.base import create_benchmark
from thinkedit.evaluation.paper import DISAGREEMENTS, OURS, Setting, beside, disagreements, paper_values

FLUX = "diffusers:black-forest-labs/FLUX.1-Kontext-dev"


def test_all_tables_are_there() -> None:
    values = paper_values()
    assert len(values) == 734
    assert {value.table for value in values} == set(range(1, 9))
    assert sum(value.value is None for value in values) == len(
        [v for v in values if v.metric == "Temporal" and v.value is None]
    ), "only temporal prediction is left out anywhere"
    known = {(value.benchmark, value.model) for value in values}
    assert all(any(o.benchmark == b and o.model in ("", m) for b, m in known) for o in DISAGREEMENTS)


@pytest.mark.parametrize(
    ("setting", "metric", "wanted"),
    [
        (Setting("gedit", FLUX, "measured", 1), "G_O", {6.18}),
        (Setting("gedit", FLUX, "transformers:x/EditThinker-8B", 5), "G_O", {7.02}),
        (Setting("gedit", FLUX, "transformers:x/EditThinker-8B", 8), "G_O", {7.03}),
        (Setting("gedit", FLUX, "chat:openai:gpt-4.1", 5), "G_O", {7.19}),
        (Setting("gedit", FLUX, "chat:openai:gpt-4.1", 4), "G_O", {7.13}),
        (Setting("gedit", FLUX, "chat:openai:gpt-4.1", 5, "before"), "G_O", {6.82}),
        (Setting("gedit", FLUX, "chat:openai:gpt-4.1", 5, "both"), "G_O", {7.06}),
        (Setting("gedit", FLUX, "chat:openai:gpt-4o", 5), "G_O", {7.05}),
        (Setting("gedit", FLUX, "chat:google_genai:gemini-2.5-pro", 5), "G_O", {7.11}),
        (Setting("gedit", FLUX, "Qwen/Qwen3-VL-8B-Instruct", 5), "G_O", {6.23}),
        (Setting("imgedit", FLUX, "x/EditThinker-8B", 5), "Overall", {3.98, 3.95}),
        (Setting("rise", "OmniGen2/OmniGen2", "x/EditThinker-8B", 5), "Overall accuracy (%)", {3.4}),
        (Setting("kris", "Qwen/Qwen-Image-Edit", "photo", 1), "Overall", {64.43}),
    ],
)
def test_which_numbers_stand_beside_ours(setting: Setting, metric: str, wanted: set[float]) -> None:
    assert {value.value for value in beside(setting) if value.metric == metric} == wanted


@pytest.mark.parametrize(
    "setting",
    [
        Setting("provingground", "provingground:middle", "provingground:0.7", 5),
        Setting("gedit", "photo", "measured", 1),
        Setting("gedit", "Qwen/Qwen-Image-Edit-2509", "x/EditThinker-8B", 5),
        Setting("gedit", "black-forest-labs/FLUX.1-Kontext-pro", "x/EditThinker-8B", 5),
        Setting("gedit", FLUX, "chat:openai:gpt-4.1-mini", 5),
        Setting("gedit", FLUX, "x/EditThinker-8B", 3),
        Setting("gedit", FLUX, "x/EditThinker-8B", 5, "both"),
    ],
)
def test_another_model_or_setting_has_no_number_beside_it(setting: Setting) -> None:
    assert beside(setting) == []


def test_disagreements_are_told_beside_the_numbers_they_concern() -> None:
    told = disagreements(beside(Setting("gedit", FLUX, "x/EditThinker-8B", 5)))
    assert any("7.05" in line and "7.02" in line for line in told)
    assert not any("OmniGen2" in line or "KRIS" in line for line in told)
    assert disagreements([]) == []


def test_every_column_has_a_row_of_ours() -> None:
    assert {(v.benchmark, v.metric) for v in paper_values()} == {(b, m) for b, of in OURS.items() for m in of}
    for name, title in [("gedit", "GEdit-Bench-EN"), ("kris", "KRIS-Bench"), ("rise", "RISEBench")]:
        rows = {(row.group, row.metric) for row in create_benchmark(name).summary([], [])}
        assert set(OURS[title].values()) <= rows | {("all", "G_O"), ("all", "G_SC"), ("all", "G_PQ")}, title
    rows = {(row.group, row.metric) for row in create_benchmark("imgedit").summary([], [])}
    assert set(OURS["ImgEdit-Bench"].values()) <= rows

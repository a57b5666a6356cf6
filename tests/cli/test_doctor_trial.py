"""`thinkedit doctor --editor X --thinker Y`: the pair is made to work once, and what came of it is said."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from thinkedit.adapters import registry
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.cli.memory import device_memory, host_peak
from thinkedit.cli.sample import sample
from thinkedit.errors import EditorFailed, EditRefused

from .conftest import Invoke, Place


class Talkative(ScriptedEditor):
    """Says what it decided when it was loaded, as models in this process do."""

    def __init__(self, *, decisions: list[str], broken: str = "", refuses: bool = False) -> None:
        super().__init__()
        self.decisions, self.broken, self.refuses = decisions, broken, refuses

    async def describe(self) -> list[str]:
        if self.broken:
            raise EditorFailed(self.broken, retryable=False)
        return self.decisions

    async def edit(self, requests: Any, progress: Any = None) -> Any:
        if progress is not None:
            await progress(1, 4, "step")
        if self.refuses:
            return [EditRefused("it will not") for _ in requests]
        return await super().edit(requests, progress)


class Talking(Talkative):
    """Broken in a way that no contract names."""

    async def edit(self, requests: Any, progress: Any = None) -> Any:
        raise KeyError("boom")


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.EDITORS, "talkative", f"{__name__}:Talkative")
    monkeypatch.setitem(registry.EDITORS, "talking", f"{__name__}:Talking")


def findings(document: dict[str, Any], part: str) -> list[tuple[str, str, bool | None]]:
    return [(one["name"], one["text"], one["good"]) for one in document["findings"] if one["part"] == part]


def test_the_default_pair_does_what_is_asked(place: Place, invoke: Invoke) -> None:
    done = invoke("doctor", "--editor", "photo", "--thinker", "measured", "--json")
    assert (done.code, done.err) == (0, "")
    tried = done.json["tried"]
    assert tried["editor"]["did"].startswith("512 x 384 pixels")
    assert tried["thinker"]["semantic"] > 8, "the drawn picture is one that the pair can work on"
    assert tried["thinker"]["quality"] > 8
    assert set(tried["editor"]["seconds"]) == {"load", "edit"}
    assert set(tried["thinker"]["seconds"]) == {"load", "critique"}
    assert tried["host_peak_bytes"] > 20_000_000
    assert not place.data.exists(), "trying makes no folder"


def test_one_flag_tries_the_pair_that_an_edit_would_take(invoke: Invoke) -> None:
    tried = invoke("doctor", "--editor", "photo", "--json").json["tried"]
    assert (tried["editor"]["name"], tried["thinker"]["name"]) == ("photo", "fake-thinker")
    assert tried["thinker"]["semantic"] == 5.5
    tried = invoke("doctor", "--thinker", "measured", "--json").json["tried"]
    assert (tried["editor"]["name"], tried["thinker"]["name"]) == ("fake-editor", "measured")


def test_without_flags_nothing_is_tried(place: Place, invoke: Invoke) -> None:
    assert invoke("doctor", "--json").json["tried"] is None
    assert place.calls() == []


def test_what_was_decided_is_said_and_hosts_are_not(place: Place, invoke: Invoke, talkative: None) -> None:
    lines = ["device cpu: no CUDA here", "bfloat16: no, the CPU is slow at it"]
    place.configure(more=f'[models.mine]\nkind = "talkative"\ndecisions = {json.dumps(lines)}\n')
    done = invoke("doctor", "--editor", "mine")
    assert done.code == 0
    for line in lines:
        assert f"editor decided: -: {line}" in done.out
    assert "editor load: ok: mine: " in done.out
    assert "thinker critique: ok: " in done.out
    assert "memory process: -: at most " in done.out
    assert "mcpServers" not in done.out


@pytest.mark.parametrize(
    ("options", "part", "said", "code"),
    [
        (
            'kind = "talkative"\ndecisions = []\nbroken = "there is no such folder"',
            "load",
            "no such folder",
            4,
        ),
        ('kind = "talkative"\ndecisions = []\nrefuses = true', "edit", "it will not", 3),
        ('kind = "talking"\ndecisions = []', "edit", "KeyError: 'boom'", 1),
        ('kind = "no-such-kind"', "load", "unknown editor", 2),
        ('kind = "photo"\nwrong = 1', "load", "unknown option 'wrong'", 2),
    ],
)
def test_a_fault_of_the_editor_is_one_line_and_the_thinker_is_tried_all_the_same(
    place: Place, invoke: Invoke, talkative: None, options: str, part: str, said: str, code: int
) -> None:
    place.configure(more=f"[models.mine]\n{options}\n")
    done = invoke("doctor", "--editor", "mine", "--thinker", "measured", "--json")
    assert (done.code, done.err) == (code, "")
    name, text, good = findings(done.json, "editor")[-1]
    assert (name, good) == (part, False)
    assert text.startswith("mine: ")
    assert said in text
    assert "\n" not in text
    name, text, good = findings(done.json, "thinker")[-1]
    assert (name, good) == ("critique", True)
    assert "of a picture drawn for it" in text


def test_an_answer_out_of_form_is_said_to_be_one(place: Place, invoke: Invoke) -> None:
    place.configure(more='[models.odd]\nkind = "scripted"\nscript = ["I like it a lot."]\n')
    done = invoke("doctor", "--thinker", "odd", "--json")
    assert done.code == 4
    name, text, good = findings(done.json, "thinker")[-1]
    assert (name, good) == ("critique", False)
    assert text.startswith("odd: answers, but not in the form that is asked for: ")
    assert done.json["tried"]["thinker"]["answer"] == "I like it a lot."


@pytest.mark.parametrize(("kind", "hint"), [("transformers:x", "constrained = true"), ("chat", "structured")])
def test_what_makes_an_answer_follow_the_form_depends_on_the_kind(
    place: Place, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, kind: str, hint: str
) -> None:
    bare = kind.partition(":")[0]
    monkeypatch.setitem(registry.THINKERS, bare, "tests.cli.test_doctor_trial:mumbling")
    place.configure(more=f'[models.odd]\nkind = "{kind}"\n')
    assert hint in invoke("doctor", "--thinker", "odd").out
    assert hint in invoke("doctor", "--thinker", kind).out


def mumbling(model: str = "") -> Any:
    from thinkedit.adapters.thinkers.scripted import ScriptedThinker

    return ScriptedThinker(["<think>hm"])


def test_a_model_that_never_answers_is_given_the_loops_own_limits(place: Place, invoke: Invoke) -> None:
    place.configure(latency=60)
    text = (place.folder / "thinkedit.toml").read_text()
    limits = "[loop]\nedit_timeout = 0.2\ncritique_timeout = 0.3\n"
    (place.folder / "thinkedit.toml").write_text(text.replace("[loop]\n", limits))
    done = invoke("doctor", "--editor", "fake-editor", "--json")
    assert done.code == 4
    assert "edit after 0.2 s: raise edit_timeout" in findings(done.json, "editor")[-1][1]
    assert "critique after 0.3 s: raise critique_timeout" in findings(done.json, "thinker")[-1][1]


def test_a_refiner_and_a_safety_check_are_reached_too(place: Place, invoke: Invoke) -> None:
    text = (place.folder / "thinkedit.toml").read_text()
    more = '[loop]\nrefiner = "writer"\nsafety = "python:no.such.module:check"\n'
    writer = '[models.writer]\nkind = "scripted"\n'
    (place.folder / "thinkedit.toml").write_text(text.replace("[loop]\n", more) + writer)
    for arguments in (["doctor", "--json"], ["doctor", "--editor", "fake-editor", "--json"]):
        done = invoke(*arguments)
        assert done.code == 2
        reached = {name: (said, good) for name, said, good in findings(done.json, "reachable")}
        assert reached["safety"][1] is False
        assert "no.such.module" in reached["safety"][0]
        assert reached["refiner"][0].startswith("writer")


def test_without_flags_a_model_of_this_process_is_not_loaded(
    place: Place, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.EDITORS, "diffusers", f"{__name__}:Heavy")
    text = (place.folder / "thinkedit.toml").read_text().replace('"fake-editor"\nthinker', '"big"\nthinker')
    (place.folder / "thinkedit.toml").write_text(text + '[models.big]\nkind = "diffusers"\n')
    done = invoke("doctor", "--json")
    assert done.code == 0
    name, said, good = findings(done.json, "reachable")[0]
    assert (name, good) == ("editor", None)
    assert "`thinkedit doctor --editor big` loads and tries it" in said
    assert invoke("doctor", "--editor", "big", "--json").code == 4


class Heavy(ScriptedEditor):
    """Loading it is a mistake unless it was asked for."""

    async def check(self) -> None:
        raise EditorFailed("loaded")


def test_memory_is_known_and_torch_is_not_brought_in() -> None:
    peak = host_peak()
    assert peak is not None
    assert 10_000_000 < peak < 64_000_000_000
    code = (
        "import sys; from thinkedit.cli.memory import device_memory; "
        "assert device_memory() == []; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_memory_of_a_gpu_is_what_torch_says(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cuda:
        is_available = staticmethod(lambda: True)
        device_count = staticmethod(lambda: 1)
        get_device_name = staticmethod(lambda index: "A GPU")
        max_memory_allocated = staticmethod(lambda index: 24_000_000_000)
        get_device_properties = staticmethod(lambda index: type("P", (), {"total_memory": 80_000_000_000}))

    monkeypatch.setitem(sys.modules, "torch", type("Torch", (), {"cuda": Cuda}))
    assert device_memory() == [
        {"device": "cuda:0", "name": "A GPU", "peak_bytes": 24_000_000_000, "total_bytes": 80_000_000_000}
    ]


def test_the_drawn_picture_is_the_same_each_time() -> None:
    assert sample().size == (512, 384)
    assert sample() == sample()


def test_extras_name_what_is_there_and_what_is_not(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from thinkedit.cli import checkup

    there = {"torch": "2.14.1", "diffusers": "0.42.1", "openai": "3.54.0"}
    monkeypatch.setattr(
        checkup, "_version", lambda name: there.get(name, "1.0" if name in checkup.CORE else None)
    )
    found = {
        name: (text, good) for name, text, good in findings(invoke("doctor", "--json").json, "installed")
    }
    assert found["openai"] == ("openai 3.54.0", True)
    text, good = found["local"]
    assert good is None
    assert "missing: torchvision, transformers, accelerate, peft" in text
    assert 'pip install "thinkedit[local]"' in text
    assert found["chat"][1] is None
    assert "missing" not in found["chat"][0]

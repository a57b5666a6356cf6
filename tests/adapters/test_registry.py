"""Names become editors and thinkers, and a wrong name, option or value is told with what would be right."""

import sys
import traceback
from pathlib import Path

import pytest

from thinkedit.adapters import registry
from thinkedit.adapters.base import Editor, Thinker
from thinkedit.adapters.registry import EDITORS, THINKERS, create_editor, create_thinker
from thinkedit.errors import MissingExtra, SettingsError


class WithModel:
    def __init__(self, *, model: str = "small", steps: int = 4) -> None:
        if steps < 1:
            raise ValueError(f"steps is {steps}: give 1 or more")
        self.identity = f"{model}/{steps}"


class NeedsModel:
    def __init__(self, *, model: str) -> None:
        self.identity = model


class WithSecrets:
    """Talks of its key in every way that it can fail."""

    def __init__(self, *, api_key: str = "", headers: dict[str, str] | None = None, fail: str = "") -> None:
        if fail == "value":
            raise ValueError(f"{api_key!r} is no key")
        if fail == "type":
            raise TypeError(f"{headers} are no headers")
        if fail == "settings":
            raise SettingsError(f"the server at https://me:{api_key}@host does not know {api_key}")
        if fail == "other":
            raise SettingsError("timeout is -1: give seconds")
        self.identity = "with-secrets"


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "editor_of_an_extra.py").write_text("import diffusers\n")
    (tmp_path / "editor_that_is_broken.py").write_text("import no_such_module_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "diffusers", None)  # as where the extra is not installed
    monkeypatch.setitem(EDITORS, "with-model", f"{__name__}:WithModel")
    monkeypatch.setitem(EDITORS, "needs-model", f"{__name__}:NeedsModel")
    monkeypatch.setitem(EDITORS, "with-secrets", f"{__name__}:WithSecrets")
    monkeypatch.setitem(EDITORS, "extra", "editor_of_an_extra:E")
    monkeypatch.setitem(EDITORS, "broken", "editor_that_is_broken:E")


@pytest.mark.parametrize("kind", ["photo", "provingground:weak", "scripted"])
def test_every_editor_can_be_made(kind: str) -> None:
    assert isinstance(create_editor(kind), Editor)


@pytest.mark.parametrize("kind", ["host", "measured", "provingground:0.8", "scripted"])
def test_every_thinker_can_be_made(kind: str) -> None:
    assert isinstance(create_thinker(kind), Thinker)


def test_no_kind_is_listed_that_is_not_tested_above() -> None:
    assert set(EDITORS) - {"with-model", "needs-model", "with-secrets", "extra", "broken"} == {
        "diffusers", "editthinker-api", "openai-images", "photo", "provingground", "scripted",
    }  # fmt: skip
    assert set(THINKERS) == {"chat", "host", "measured", "provingground", "scripted", "transformers"}


@pytest.mark.parametrize(
    ("name", "options", "identity"),
    [
        ("with-model", None, "small/4"),
        ("with-model", {"steps": 8}, "small/8"),
        ("with-model", {"model": "big"}, "big/4"),
        ("with-model:big", {}, "big/4"),
        ("with-model:org/name:tag", {"steps": 2}, "org/name:tag/2"),
        (" with-model ", {}, "small/4"),
        ("needs-model:x", {}, "x"),
    ],
)
def test_model_and_options_reach_the_class(name: str, options: dict[str, object], identity: str) -> None:
    assert create_editor(name, options).identity == identity


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "scriptd",
            {},
            r"unknown editor 'scriptd': did you mean 'scripted'\? known: .*photo, provingground, scripted",
        ),
        ("Photo", {}, r"unknown editor 'Photo': did you mean 'photo'\?"),
        ("qqqqq", {}, r"unknown editor 'qqqqq': known: .*photo, provingground, scripted"),
        ("difusers:FLUX", {}, r"unknown editor 'difusers': "),
        ("measured", {}, r"unknown editor 'measured': "),
        ("", {}, r"unknown editor '': known"),
        (":big", {}, r"unknown editor '': known"),
        ("with-model:", {}, r"names no model after the colon"),
        ("scripted:big", {}, r"editor 'scripted' takes no model: write 'scripted' instead of 'scripted:big'"),
        ("with-model:big", {"model": "small"}, r"names a model twice: leave out the option model='small'"),
        ("with-model", {"step": 3}, r"unknown option 'step' of .*: did you mean 'steps'\? known: model"),
        ("with-model", {"steps": 0}, r"steps is 0: give 1 or more"),
        ("with-model", {"steps": "three"}, r"editor 'with-model' cannot be made from \{'steps': 'three'\}"),
        ("needs-model", {}, r"editor 'needs-model': missing a required (keyword-only )?argument: 'model'"),
        ("scripted", {"latency": -1}, r"latency is -1: give seconds, 0 or more"),
        ("scripted", {"slots": 0}, r"slots is 0: give 1 or more"),
        ("scripted", {"size": [0, 5]}, r"size is \[0, 5\]: give source, tiny or \(width, height\)"),
        ("scripted", {"size": "huge"}, r"size is 'huge': give source"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        create_editor(name, options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fail": "value"}, r"cannot be made from \{'api_key': '\*\*\*', .*'\*\*\*' is no key"),
        ({"fail": "type"}, r"cannot be made from .*'headers': '\*\*\*'.*: \{'X-Auth': '\*\*\*'\} are no"),
        ({"fail": "settings"}, r"^the server at https://\*\*\*@host does not know \*\*\*$"),
        ({"fail": "other"}, r"^timeout is -1: give seconds$"),
        ({"no_such_option": 1}, r"unknown option 'no_such_option'"),
        ({"model": "x", "fail": "value"}, r"unknown option 'model'"),
    ],
)
def test_no_error_shows_a_secret(options: dict[str, object], message: str) -> None:
    given = {"api_key": "sk-live-51H8", "headers": {"X-Auth": "hunter2-hunter2"}, **options}
    with pytest.raises(SettingsError, match=message) as caught:
        create_editor("with-secrets", given)
    whole = "".join(traceback.format_exception(caught.value))
    assert "sk-live" not in whole
    assert "hunter2" not in whole


def test_a_missing_extra_is_told_with_the_line_that_installs_it() -> None:
    with pytest.raises(MissingExtra, match=r"the editor 'extra' needs .* pip install \"thinkedit\[local\]\""):
        create_editor("extra")


def test_a_broken_installation_is_no_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        create_editor("broken")


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    assert not hasattr(registry, "PhotoEditor")
    assert "editor_of_an_extra" not in sys.modules

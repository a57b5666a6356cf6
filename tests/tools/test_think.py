"""think_edit as callers meet it: what it takes, what it gives, and what it writes where."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from tests.graph.kit import INSTRUCTION, SETTINGS, SOURCE, begun, numbered, running, told
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.errors import (
    ImageError,
    InputError,
    InstructionError,
    NotFoundError,
    SettingsError,
    StoreError,
)
from thinkedit.images import Picture, load
from thinkedit.tools import continue_edit, think_edit, think_edit_sync
from thinkedit.types import EditResult

pytestmark = pytest.mark.anyio

THINKER = ScriptedThinker(numbered(3, 9))


async def test_every_kind_of_image_argument_gives_the_same_source(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(SOURCE)
    opened = Pillow.open(BytesIO(SOURCE))
    async with running(None, THINKER) as runner:
        first = await think_edit(SOURCE, INSTRUCTION, runner=runner)
        for image in (path, str(path), path.as_uri(), opened, load(SOURCE), first.source.uri):
            result = await think_edit(image, INSTRUCTION, runner=runner)
            assert result.source == first.source
            assert result.source.width, result.source.height == (24, 16)


@pytest.mark.parametrize(
    ("image", "instruction", "options", "error", "words"),
    [
        (b"text", INSTRUCTION, {}, ImageError, "4 bytes"),
        ("/no/such/photo.jpg", INSTRUCTION, {}, ImageError, "/no/such/photo.jpg"),
        ("thinkedit://images/1", INSTRUCTION, {}, ImageError, "not an image URI"),
        (f"thinkedit://images/{'0' * 64}", INSTRUCTION, {}, NotFoundError, "no image"),
        (SOURCE, "", {}, InstructionError, "instruction is empty"),
        (SOURCE, " \n\t ", {}, InstructionError, "instruction is empty"),
        (SOURCE, "x" * 100_000, {}, InstructionError, "100,000 characters, at most 4,000"),
        (SOURCE, "warm\x1b[2Jer", {}, InstructionError, r"U\+001B at position 5"),
        (SOURCE, "warm\ud800er", {}, InstructionError, r"U\+D800"),
        (SOURCE, INSTRUCTION, {"turn": 3}, SettingsError, "no option 'turn'; there are: editor, thinker"),
        (SOURCE, INSTRUCTION, {"turns": 13}, SettingsError, "option turns has the value 13"),
        (SOURCE, INSTRUCTION, {"turns": "many"}, SettingsError, "option turns has the value 'many'"),
        (SOURCE, INSTRUCTION, {"mode": "after"}, SettingsError, "option mode has the value 'after'"),
        (SOURCE, INSTRUCTION, {"threshold": 11}, SettingsError, "option threshold"),
        (SOURCE, INSTRUCTION, {"editor": "brush"}, SettingsError, "brush"),
        (SOURCE, INSTRUCTION, {"thinker": "oracle"}, SettingsError, "oracle"),
    ],
)
async def test_what_cannot_be_used_is_told_before_anything_is_kept(
    image: Any, instruction: str, options: dict[str, Any], error: Any, words: str
) -> None:
    editor = ScriptedEditor(size="tiny")
    async with running(editor, THINKER) as runner:
        with pytest.raises(error, match=words) as raised:
            await think_edit(image, instruction, runner=runner, **options)
        assert "\n" not in str(raised.value)
        assert await runner.ledger.sessions() == []
    assert editor.calls == 0


async def test_the_result_can_be_read_saved_and_told_as_json(tmp_path: Path) -> None:
    async with running(None, THINKER) as runner:
        result = await begun(runner, output=tmp_path / "out.png")
    assert result.image is not None
    assert result.image.path == str(tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == result.read()
    assert Picture.from_bytes(result.read()).sha256 == result.image.sha256
    assert result.save(str(tmp_path / "out.jpg")) == str(tmp_path / "out.jpg")
    assert (tmp_path / "out.jpg").read_bytes().startswith(b"\xff\xd8")
    with pytest.raises(StoreError, match="exists already"):
        result.save(str(tmp_path / "out.png"))
    again = EditResult.model_validate_json(result.model_dump_json())
    assert told(again) == told(result)
    with pytest.raises(LookupError, match="without its store"):
        again.read()


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("there.png", InputError, "there.png exists already"),
        ("no/such/folder.png", InputError, "no folder"),
        ("picture.xyz", ImageError, "no ending that can be written"),
    ],
)
async def test_an_output_that_cannot_be_written_is_told_before_anything_is_paid_for(
    name: str, error: Any, words: str, tmp_path: Path
) -> None:
    (tmp_path / "there.png").write_text("mine")
    editor = ScriptedEditor(size="tiny")
    async with running(editor, THINKER) as runner:
        with pytest.raises(error, match=words):
            await begun(runner, output=tmp_path / name)
        assert await runner.ledger.sessions() == []
        result = await begun(runner)
        with pytest.raises(error, match=words):
            await continue_edit(result.session_id, output=tmp_path / name, runner=runner)
        assert told(await runner.result(result.session_id)) == told(result)
    assert (tmp_path / "there.png").read_text() == "mine"


async def test_owners_see_their_own(tmp_path: Path) -> None:
    async with running(None, THINKER) as runner:
        mine = await begun(runner, owner="me")
        assert mine.image is not None
        with pytest.raises(NotFoundError):
            await think_edit(mine.image.uri, INSTRUCTION, runner=runner, owner="you")
        again = await think_edit(mine.image.uri, INSTRUCTION, runner=runner, owner="me")
        assert again.source == mine.image
        assert [s.owner for s in await runner.ledger.sessions()] == ["me", "me"]


async def test_settings_go_over_the_configurations_and_options_over_both() -> None:
    async with running(None, ScriptedThinker(numbered(1, 2, 3, 4))) as runner:
        given = SETTINGS.model_copy(update={"turns": 2, "seed": 9})
        result = await think_edit(SOURCE, INSTRUCTION, settings=given, turns=1, seed=None, runner=runner)
    assert [(turn.turn, turn.seed) for turn in result.turns] == [(1, 9)]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THINKEDIT_DATA", str(tmp_path / "data"))


@pytest.mark.usefixtures("own")
def test_the_synchronous_face_does_the_same() -> None:
    result = think_edit_sync(SOURCE, INSTRUCTION, editor="scripted", thinker="scripted", turns=1)
    assert len(result.turns) == 1
    assert result.read()
    with pytest.raises(InstructionError):
        think_edit_sync(SOURCE, "", editor="scripted", thinker="scripted")


async def test_a_model_made_once_serves_all_sessions_and_is_closed_with_the_runner() -> None:
    editor, thinker = ScriptedEditor(size="tiny"), ScriptedThinker(numbered(9))
    models = Models(editors={"e": editor}, thinkers={"t": thinker})
    async with running(models=models) as runner:
        for _ in range(3):
            await begun(runner)
        assert not editor.closed
    assert editor.closed
    assert thinker.closed
    assert editor.calls == 3

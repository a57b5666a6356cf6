"""Sessions put back from the records in the store, and what housekeeping finds of them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.errors import LedgerError
from thinkedit.graph.rebuild import rebuild
from thinkedit.graph.runner import open_runner
from thinkedit.graph.upkeep import plan_pruning
from thinkedit.images import Loaded, Picture
from thinkedit.ledger import Ledger
from thinkedit.ledger.upkeep import set_aside_if_damaged
from thinkedit.store import Store
from thinkedit.tools import think_edit
from thinkedit.types import EditResult, LoopSettings, Mode, SessionRecord, Status, TurnRecord

pytestmark = pytest.mark.anyio

PICTURE = Picture.from_pixels(np.full((8, 8, 3), 90, np.uint8))
SOURCE = Loaded(PICTURE, "é.png", None, "image/png")


async def session(data: Path, **settings: object) -> EditResult:
    chosen = LoopSettings.model_validate({"editor": "e", "thinker": "t", "seed": 1, **settings})
    models = Models(editors={"e": ScriptedEditor()}, thinkers={"t": ScriptedThinker()})
    async with open_runner(Config(data=data), models) as runner:
        return await think_edit(SOURCE, "warmer", settings=chosen, runner=runner)


async def test_a_planned_session_is_put_back_with_its_calls(tmp_path: Path) -> None:
    before = await session(tmp_path, mode=Mode.BOTH, turns=2, threshold=10, candidates=2)
    ledger = Ledger(None)
    done = await rebuild(Store(tmp_path / "store"), ledger)
    assert (done.added, done.kept, done.lost) == ([before.session_id], [], {})
    back = await ledger.session(before.session_id)
    assert (back.status, back.selected_turn, back.source_name) == (Status.FINISHED, 2, "é.png")
    assert back.settings.seed == 1
    # plan, and two edits and two critiques in each turn
    assert (await ledger.spent(back)).calls == 1 + 2 * 4
    assert [entry.complete for entry in await ledger.turns(before.session_id)] == [True, True]


async def test_what_cannot_be_put_back_is_named(tmp_path: Path) -> None:
    first, second = await session(tmp_path), await session(tmp_path, seed=2)
    store = Store(tmp_path / "store")
    for stored in list(store.listing()):
        if stored.kind == "record" and _opens(store, stored.sha) == first.session_id:
            store.delete(stored.sha)
    assert second.image is not None
    store.delete(second.image.sha256)
    done = await rebuild(store, Ledger(None))
    assert done.added == []
    assert done.lost[first.session_id] == "the record of its opening is missing"
    assert "there is no image" in done.lost[second.session_id]


def _opens(store: Store, sha: str) -> str | None:
    try:
        return store.get_record(sha, SessionRecord).session_id
    except Exception:
        return None


async def test_a_session_without_an_image_is_not_put_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    opening = SessionRecord(
        session_id="s", created=0, instruction="x", settings=LoopSettings(), source=store.put(PICTURE),
        source_mime="image/png", editor="e", thinker="t",
    )  # fmt: skip
    store.put_record(opening)
    store.put_record(TurnRecord(session_id="s", turn=1, prompt="x", seed=1))
    done = await rebuild(store, Ledger(None))
    assert (done.added, done.lost) == ([], {})


async def test_an_age_and_a_number_must_both_agree(tmp_path: Path) -> None:
    old, new = await session(tmp_path), await session(tmp_path, seed=2)
    async with open_runner(Config(data=tmp_path)) as runner:

        async def going(**options: float) -> list[str]:
            plan = await plan_pruning(runner, **options)  # type: ignore[arg-type]  # whole numbers are ints
            return [one.session_id for one in plan.sessions]

        both = [new.session_id, old.session_id]
        assert await going() == []
        assert await going(older_than=0) == both
        assert await going(keep=1) == [old.session_id]
        assert await going(older_than=0, keep=1) == [old.session_id]
        assert await going(older_than=time.time(), keep=0) == []


def test_a_sound_database_stays_where_it_is(tmp_path: Path) -> None:
    Ledger(tmp_path / "x.sqlite").close()
    assert set_aside_if_damaged(tmp_path / "x.sqlite") is None
    assert set_aside_if_damaged(tmp_path / "none.sqlite") is None
    assert (tmp_path / "x.sqlite").exists()


def test_a_damaged_database_is_renamed_with_its_log(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"garbage" * 1000)
    (tmp_path / "x.sqlite-wal").write_bytes(b"log")
    aside = set_aside_if_damaged(path)
    assert aside is not None
    assert aside.read_bytes().startswith(b"garbage")
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"log"
    assert not path.exists()


def test_a_database_that_cannot_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(LedgerError, match="cannot be checked"):
        set_aside_if_damaged(tmp_path / "folder.sqlite")

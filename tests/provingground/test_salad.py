"""Texts that nobody would write: no reader may break on them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.provingground.strategies import scenes, tried
from thinkedit.errors import InstructionError
from thinkedit.provingground.editing import attempt
from thinkedit.provingground.lexicon import WORDS
from thinkedit.provingground.meaning import meaning
from thinkedit.provingground.rates import EDITORS
from thinkedit.provingground.scene import Scene

salads = st.lists(
    st.sampled_from([*sorted(WORDS), "1.", "2.", "7", ",", ".", "row 2, column 9"]), max_size=14
)


@tried
@given(words=salads, scene=scenes(), seed=st.integers(0, 3))
def test_an_editor_makes_a_scene_of_any_words(words: list[str], scene: Scene, seed: int) -> None:
    done = attempt(scene, " ".join(words), seed, "weak", EDITORS["weak"])
    assert done.scene.world is scene.world
    assert len(done.scene.things) == len(scene.things)


@tried
@given(words=salads, scene=scenes())
def test_an_instruction_of_any_words_has_a_meaning_or_is_refused(words: list[str], scene: Scene) -> None:
    try:
        outcomes = meaning(scene, " ".join(words))
    except InstructionError:
        return
    assert outcomes
    for outcome in outcomes:
        for change in outcome:
            assert change.place is None or scene.things[change.place] is not None

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.provingground.strategies import asks, tried
from thinkedit.provingground.asking import ALL, Ask, Keep, Look, Reference, Where
from thinkedit.provingground.reading import read
from thinkedit.provingground.wording import phrase


@tried
@given(ask=asks, way=st.integers(0, 5), small=st.booleans())
def test_every_phrasing_is_read_as_what_it_was_written_for(ask: Ask, way: int, small: bool) -> None:
    text = phrase(ask, way, small=small)
    reading = read(text)
    assert (reading.asks, reading.unread) == ((ask,), ()), text


@tried
@given(
    several=st.lists(st.tuples(asks, st.integers(0, 5)), min_size=2, max_size=3),
    joint=st.sampled_from([" and ", ", then ", ", and ", ". ", "; "]),
)
def test_several_changes_in_one_sentence_are_read_apart(several: list[tuple[Ask, int]], joint: str) -> None:
    text = joint.join(phrase(ask, way) for ask, way in several)
    assert read(text).asks == tuple(ask for ask, _ in several), text


@tried
@given(several=st.lists(asks, min_size=2, max_size=3))
def test_numbered_steps_are_seen_as_such(several: list[Ask]) -> None:
    text = ". ".join(f"{n}. {phrase(ask)}" for n, ask in enumerate(several, 1)) + "."
    reading = read(text)
    assert reading.numbered
    assert reading.asks == tuple(several), text


CIRCLE = Reference(Look("circle", "red"))


@pytest.mark.parametrize(
    ("text", "ask"),
    [
        ("make the red circle blue", Ask("recolour", CIRCLE, Look(colour="blue"))),
        ("Could you colour the red circle blue, please?", Ask("recolour", CIRCLE, Look(colour="blue"))),
        ("swap the red circle for a white star", Ask("replace", CIRCLE, Look("star", "white"))),
        ("get rid of the red circle", Ask("remove", CIRCLE)),
        ("shrink the red circle", Ask("resize", CIRCLE, grow=-1)),
        ("put the red circle in the top left corner", Ask("move", CIRCLE, where=Where("top left"))),
        ("put a red circle in the top left corner", Ask("add", look=CIRCLE.look, where=Where("top left"))),
        ("delete the circle on the left", Ask("remove", Reference(Look("circle"), Where("left")))),
        (
            "remove the largest of the red ones",
            Ask("remove", Reference(Look(colour="red"), extreme="largest")),
        ),
        (
            "make the two left-most shapes the colour of the third from the left",
            Ask(
                "recolour",
                Reference(number=2, extreme="left"),
                colour_of=Reference(extreme="left", nth=3),
            ),
        ),
        (
            "Remove all shapes of the colour that occurs most often",
            Ask("remove", Reference(number=ALL, rank=("most", "colour"))),
        ),
        ("turn the whole picture into a watercolor", Ask("style", style="watercolour")),
        (
            "give it a checkered mint backdrop",
            Ask("background", look=Look(colour="mint"), pattern="checked"),
        ),
    ],
)
def test_what_users_write(text: str, ask: Ask) -> None:
    assert read(text).asks == (ask,)


def test_what_must_stay_is_read_apart_from_what_is_to_change() -> None:
    reading = read(
        "Make the red circle blue. Keep the background and the green star in row 2, column 3 unchanged. "
        "Keep everything else unchanged."
    )
    assert reading.asks == (Ask("recolour", CIRCLE, Look(colour="blue")),)
    star = Reference(Look("star", "green"), Where(row=2, column=3))
    assert reading.keep == Keep(rest=True, background=True, things=(star,))


@pytest.mark.parametrize(
    "text", ["without changing the star", "don't touch the star", "leave the star as it is"]
)
def test_other_words_for_keeping(text: str) -> None:
    assert read(f"make the red circle blue, {text}").keep.things == (Reference(Look("star")),)


@tried
@given(text=st.text(max_size=200))
def test_any_text_is_read_somehow(text: str) -> None:
    read(text)


def test_unknown_words_are_named() -> None:
    assert read("make the hippopotamus blue, and the circle purple").unread == ("hippopotamus",)

from __future__ import annotations

import pytest

from tests.provingground.scenes import full, small
from thinkedit.errors import InstructionError
from thinkedit.provingground.asking import Where
from thinkedit.provingground.meaning import area, meaning
from thinkedit.provingground.scene import FULL, SMALL, Thing

# Places of the full world are numbered row by row: r1c1 is 0, r4c4 is 15.
SCENE = full(
    r1c1=Thing("circle", "red", 4),
    r1c3=Thing("square", "red", 0),
    r2c2=Thing("circle", "blue", 2),
    r3c4=Thing("star", "green", 0, "striped"),
    r4c1=Thing("circle", "red", 2),
)


def targets(instruction: str) -> list[list[int | None]]:
    return [[change.place for change in outcome] for outcome in meaning(SCENE, instruction)]


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("remove the star", [[11]]),
        ("remove the red circle", [[0], [12]]),
        ("remove the large red circle", [[0]]),
        ("remove the circle at the top", [[0], [5]]),
        ("remove the circle in the bottom left corner", [[12]]),
        ("remove all red circles", [[0, 12]]),
        ("remove both red circles", [[0, 12]]),
        ("remove two circles", [[0, 5], [0, 12], [5, 12]]),
        ("remove the striped shape", [[11]]),
        ("remove the largest of the red ones", [[0]]),
        ("remove the smallest shape", [[2], [11]]),
        ("remove the right-most circle", [[5]]),
        ("remove the two left-most shapes", [[0, 12]]),
        ("remove the two top-most shapes", [[0, 2]]),
        ("remove the two right-most shapes", [[2, 11]]),
        ("remove the two bottom-most circles", [[5, 12]]),
        ("remove the third shape from the left", [[5]]),
        ("remove the second shape from the top", [[0], [2]]),
        ("remove all shapes of the most common colour", [[0, 2, 12]]),
        ("remove all things of the shape that occurs most often", [[0, 5, 12]]),
        ("remove one of the shapes of the least common colour", [[5], [11]]),
        ("remove the red circle and the star", [[0, 11], [12, 11]]),
        ("remove a circle and then remove the blue circle", [[0, 5], [12, 5]]),
    ],
)
def test_which_things_are_meant(instruction: str, expected: list[list[int]]) -> None:
    assert targets(instruction) == expected


@pytest.mark.parametrize(
    ("instruction", "colours"),
    [
        ("make the star the colour of the blue circle", ["blue"]),
        ("make the star the colour of the third one from the left", ["blue"]),
        ("make the star the same colour as the right-most of the red ones", ["red"]),
        ("make the star the colour of the square", ["red"]),
        ("make the star the colour of the circle", ["red", "blue"]),
    ],
)
def test_a_colour_may_be_that_of_other_things(instruction: str, colours: list[str]) -> None:
    outcomes = meaning(SCENE, instruction)
    assert [outcome[0].look.colour for outcome in outcomes] == colours
    assert {outcome[0].place for outcome in outcomes} == {11}


@pytest.mark.parametrize(
    ("instruction", "spots"),
    [
        ("move the star to the top right corner", (3,)),
        ("move the star to the top edge", (1, 3)),
        ("move the star to the middle", (6, 9, 10)),
        ("move the star to row 2, column 1", (4,)),
        ("add a pink star in the bottom right corner", (15,)),
        ("add a pink star", (1, 3, 4, 6, 7, 8, 9, 10, 13, 14, 15)),
    ],
)
def test_where_things_may_be_put(instruction: str, spots: tuple[int, ...]) -> None:
    [[change]] = meaning(SCENE, instruction)
    assert change.spots == spots


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("remove the purple diamond", "names things that this picture does not have"),
        ("move the star to the top left corner", "names things that this picture does not have"),
        ("make the sky dramatic", '"sky", "dramatic"'),
        ("hello", '"hello"'),
        ("", "no change that this world has"),
    ],
)
def test_what_has_no_meaning_here_is_told(instruction: str, message: str) -> None:
    with pytest.raises(InstructionError, match=message):
        meaning(SCENE, instruction)


def test_the_nine_places_of_the_small_world_have_nine_names() -> None:
    names = [
        "top left",
        "top",
        "top right",
        "left",
        "middle",
        "right",
        "bottom left",
        "bottom",
        "bottom right",
    ]
    for exact in (True, False):
        assert [list(area(SMALL, Where(name), exact=exact)) for name in names] == [[n] for n in range(9)]
    scene = small(r1c1=Thing("circle", "red"), r1c2=Thing("circle", "red"))
    [[change]] = meaning(scene, "remove the circle at the top")
    assert change.place == 1


def test_corners_and_sides_of_the_full_world() -> None:
    assert area(FULL, Where("top left"), exact=True) == {0}
    assert area(FULL, Where("top left"), exact=False) == {0, 1, 4, 5}
    assert area(FULL, Where("right"), exact=True) == {3, 7, 11, 15}
    assert area(FULL, Where(row=9, column=1), exact=True) == frozenset()

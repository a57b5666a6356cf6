"""Scenes and changes for property tests, those among them that only a failing editor makes."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from thinkedit.provingground.asking import ALL, Ask, Look, Reference, Where
from thinkedit.provingground.lexicon import AREAS
from thinkedit.provingground.palette import BACKGROUNDS, COLOURS, STYLES
from thinkedit.provingground.scene import (
    FULL,
    PATTERNS,
    SHAPES,
    SIZES,
    SMALL,
    TEXTURES,
    Background,
    Scene,
    Thing,
)

tried = settings(deadline=None)
"""A first example fills the tables of colours and masks."""


@st.composite
def things(draw: st.DrawFn) -> Thing:
    colour, was = draw(st.lists(st.sampled_from(sorted(COLOURS)), min_size=2, max_size=2, unique=True))
    return Thing(
        draw(st.sampled_from(SHAPES)),
        colour,
        draw(st.integers(0, 4)),
        draw(st.sampled_from(TEXTURES)),
        draw(st.sampled_from([None, was])),
        draw(st.booleans()),
    )


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Any scene that a picture can show."""
    world = draw(st.sampled_from([FULL, SMALL]))
    count = len(world.places)
    placed = draw(st.lists(st.none() | things(), min_size=count, max_size=count))
    colour, was = draw(st.lists(st.sampled_from(sorted(BACKGROUNDS)), min_size=2, max_size=2, unique=True))
    style = draw(st.sampled_from(sorted(STYLES)))
    back = Background(colour, draw(st.sampled_from(PATTERNS)), draw(st.sampled_from([None, was])))
    return Scene(world, tuple(placed), back, style, style != "none" and draw(st.booleans()))


def _optional(values: object) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(sorted(values))  # type: ignore[call-overload]


looks = st.builds(Look, _optional(SHAPES), _optional(COLOURS), _optional(SIZES), _optional(TEXTURES))
news = looks.filter(lambda look: look.shape is not None)
wheres = st.builds(Where, st.sampled_from(AREAS)) | st.builds(
    Where, row=st.integers(1, 4), column=st.integers(1, 4)
)
references = st.one_of(
    st.builds(Reference, looks, st.none() | wheres, st.sampled_from([ALL, 1, 2, 3])),
    st.builds(
        Reference,
        looks,
        number=st.sampled_from([1, 2, 3]),
        extreme=st.sampled_from(["largest", "smallest", "left", "right", "top", "bottom"]),
    ),
    st.builds(
        Reference,
        looks,
        extreme=st.sampled_from(["left", "right", "top", "bottom"]),
        nth=st.sampled_from([2, 3, 4]),
    ),
    st.builds(
        Reference,
        number=st.sampled_from([ALL, 1]),
        rank=st.tuples(st.sampled_from(["most", "least"]), st.sampled_from(["colour", "shape"])),
    ),
)
_colours = st.builds(Look, colour=st.sampled_from(sorted(COLOURS)))
_grounds = st.builds(Look, colour=st.sampled_from(sorted(BACKGROUNDS)))
asks = st.one_of(
    st.builds(Ask, st.just("recolour"), references, _colours, strong=st.booleans()),
    st.builds(Ask, st.just("recolour"), references, colour_of=references.filter(lambda r: r.where is None)),
    st.builds(Ask, st.just("remove"), references, strong=st.booleans()),
    st.builds(Ask, st.just("add"), look=news, where=st.none() | wheres, strong=st.booleans()),
    st.builds(Ask, st.just("replace"), references, news, strong=st.booleans()),
    st.builds(Ask, st.just("move"), references, where=wheres, strong=st.booleans()),
    st.builds(Ask, st.just("resize"), references, grow=st.sampled_from([1, -1]), strong=st.booleans()),
    st.builds(
        Ask,
        st.just("resize"),
        references,
        st.builds(Look, size=st.sampled_from(sorted(SIZES))),
        strong=st.booleans(),
    ),
    st.builds(Ask, st.just("background"), look=_grounds, pattern=_optional(PATTERNS), strong=st.booleans()),
    st.builds(
        Ask, st.just("style"), style=st.sampled_from(sorted(set(STYLES) - {"none"})), strong=st.booleans()
    ),
)

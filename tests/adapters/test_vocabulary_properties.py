"""Whatever the vocabulary can say, it can read: properties over the whole table."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from thinkedit.adapters.vocabulary import OPERATIONS, Clause, parse, phrase, with_amount
from thinkedit.adapters.vocabulary.words import AMOUNTS, COLOURS, SHADES, SKIES

COLOURFUL = {"saturation", "vibrance", "vintage", "colour_sketch"}
PLAIN = [name for name, op in OPERATIONS.items() if not op.options and name not in ("protect", "rotate")]
NUMBERS = st.integers(1, 400).map(lambda n: n / 10)


@st.composite
def plain_clauses(draw: st.DrawFn) -> Clause:
    entry = OPERATIONS[draw(st.sampled_from(PLAIN))]
    direction = draw(st.sampled_from([1, -1])) if entry.signed else 0
    regions = sorted(entry.regions) + [f"colour:{name}" for name in COLOURS] * entry.colours
    region = draw(st.sampled_from(regions))
    if draw(st.booleans()):
        return Clause(entry.name, direction, draw(st.sampled_from(sorted(AMOUNTS))), None, region)
    unit = draw(st.sampled_from([unit for unit in entry.units if unit != "times"]))
    number = {"percent": NUMBERS, "stops": st.integers(1, 50).map(lambda n: n / 10)}.get(
        unit, st.integers(1, 300)
    )
    quantity = f"{unit}:{draw(number):g}"
    return Clause(entry.name, direction, entry.amount(quantity, direction), quantity, region)


COLOUR_WORDS = st.one_of(
    st.sampled_from([word for words in COLOURS.values() for word in words]),
    st.builds("{} {}".format, st.sampled_from(SHADES), st.sampled_from(sorted(COLOURS))),
    st.integers(0, 0xFFFFFF).map("#{:06x}".format),
)
TEXTS = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=30).filter(lambda t: t.strip())
SIZES = st.builds("{}x{}".format, st.integers(1, 9999), st.integers(1, 9999))


def _options(**given: object) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, str(value)) for key, value in given.items()))


SPECIAL_NAMES = [name for name, op in OPERATIONS.items() if op.options or name == "rotate"]


@st.composite
def special_clauses(draw: st.DrawFn) -> Clause:
    name = draw(st.sampled_from(SPECIAL_NAMES))
    amount = draw(st.sampled_from(sorted(AMOUNTS)))
    if name == "crop":
        kind = draw(st.sampled_from(["ratio", "size", "closer", "off"]))
        if kind == "off":
            share = draw(st.integers(1, 89))
            given_ = f"percent:{share}"
            side = draw(st.sampled_from(["left", "right", "top", "bottom"]))
            return Clause(name, 0, OPERATIONS[name].amount(given_), given_, side, _options(off="yes"))
        if kind == "closer":
            return Clause(
                name,
                0,
                amount,
                None,
                draw(st.sampled_from(["whole", "subject", "faces"])),
                _options(closer="yes"),
            )
        ratio = f"{draw(st.integers(1, 30))}:{draw(st.integers(1, 30))}"
        value = ratio if kind == "ratio" else draw(SIZES)
        return Clause(
            name,
            region=draw(st.sampled_from(["whole", "top", "left", "centre"])),
            options=_options(**{kind: value}),
        )
    if name == "rotate":
        given_ = f"degrees:{draw(st.integers(1, 3600)) / 10:g}"
        return Clause(name, draw(st.sampled_from([1, -1])), OPERATIONS[name].amount(given_), given_)
    if name == "flip":
        return Clause(name, options=_options(axis=draw(st.sampled_from(["horizontal", "vertical"]))))
    if name == "resize":
        key = draw(st.sampled_from(["width", "height", "longest", "size", "scale"]))
        values = {"size": SIZES, "scale": st.integers(1, 999).map(lambda n: f"{n / 100:g}")}
        if key == "size" and draw(st.booleans()):
            return Clause(name, options=_options(size=draw(SIZES), exact="yes"))
        return Clause(name, options=_options(**{key: draw(values.get(key, st.integers(1, 30_000).map(str)))}))
    if name == "border":
        given_ = draw(st.sampled_from([None, "pixels:12", "percent:7.5"]))
        amount = OPERATIONS[name].amount(given_) if given_ else amount
        return Clause(name, 0, amount, given_, "whole", _options(colour=draw(COLOUR_WORDS)))
    if name == "caption":
        places = [
            "top",
            "bottom",
            "centre",
            "left",
            "right",
            "top left",
            "top right",
            "bottom left",
            "bottom right",
        ]
        return Clause(name, options=_options(
            text=draw(TEXTS), colour=draw(COLOUR_WORDS), position=draw(st.sampled_from(places)),
            size=draw(st.sampled_from(["small", "medium", "large"]))))  # fmt: skip
    if name == "recolour":
        region = draw(st.sampled_from(["subject", *(f"colour:{c}" for c in COLOURS)]))
        return Clause(name, region=region, options=_options(colour=draw(COLOUR_WORDS)))
    if name == "sky_replace":
        return Clause(name, options=_options(**{"with": draw(st.sampled_from(sorted(SKIES)))}))
    kind = draw(st.sampled_from(["colour", "gradient", "reference"]))
    colours = {"colour": {"colour": draw(COLOUR_WORDS)}, "reference": {}}.get(
        kind, {"colour": draw(COLOUR_WORDS), "colour2": draw(COLOUR_WORDS)}
    )
    return Clause(name, options=_options(**{"with": kind, **colours}))


@settings(max_examples=250, deadline=None)
@given(st.one_of(plain_clauses(), special_clauses()))
def test_every_clause_survives_being_said_and_read(clause: Clause) -> None:
    assert parse(phrase([clause])) == (clause,)


@settings(max_examples=150, deadline=None)
@given(plain_clauses(), st.floats(0.05, 5))
@example(Clause("exposure", direction=-1, amount=0.0024, given="percent:0.1", region="background"), 5.0)
def test_a_precise_amount_survives_being_said_and_read(clause: Clause, amount: float) -> None:
    scaled = with_amount(clause, amount)
    assert parse(phrase([scaled])) == (scaled,)
    if not (clause.given or "").startswith("pixels"):
        entry = clause.table_entry
        # half a percentage point, half a hundredth of a stop
        assert scaled.amount == pytest.approx(
            min(amount, entry.limit), abs=max(0.03, 0.51 / entry.plain_percent)
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(plain_clauses(), min_size=2, max_size=4, unique_by=lambda c: c.operation))
def test_several_clauses_survive_in_order_or_contradict(clauses: list[Clause]) -> None:
    names = {clause.operation for clause in clauses}
    assume(not {"blur", "sharpen"} <= names)
    assume(not (names & {"black_and_white", "sepia", "pencil"} and names & COLOURFUL))
    assert parse(phrase(clauses)) == tuple(clauses)

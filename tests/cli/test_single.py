"""`thinkedit critique` and `thinkedit refine`."""

from __future__ import annotations

from .conftest import Invoke, Place


def test_critique_of_two_pictures(place: Place, invoke: Invoke) -> None:
    done = invoke("critique", place.photo, place.photo, "make it warmer")
    assert (done.code, done.err) == (0, "")
    assert "scores: semantic 5.5, quality 7.0, overall 6.2" in done.out
    assert "good: no" in done.out
    document = invoke("critique", place.photo, place.photo, "make it warmer", "--json").json
    assert (document["semantic"], document["satisfied"]) == (5.5, False)
    assert invoke("critique", place.photo, place.photo, "x", "--threshold", "5", "--json").json["satisfied"]


def test_critique_of_a_turn_is_read_and_not_paid_for(place: Place, invoke: Invoke) -> None:
    invoke("edit", place.photo, "make it warmer")
    calls = len(place.calls())
    assert invoke("critique", "--session", "last", "--turn", "2", "--json").json["semantic"] == 7.0
    assert invoke("critique", "--session", "last", "--json").json["semantic"] == 8.5
    assert len(place.calls()) == calls
    missing = invoke("critique", "--session", "last", "--turn", "7")
    assert missing.code == 2
    assert "turns that have: 1, 2, 3" in missing.err


def test_refine(place: Place, invoke: Invoke) -> None:
    done = invoke("refine", place.photo, place.photo, "make it warmer")
    assert done.code == 0
    assert done.out.splitlines()[0] == "next: make it warmer (turn 2)"
    document = invoke("refine", place.photo, place.photo, "make it warmer", "--json").json
    assert document["prompt"] == "make it warmer (turn 2)"


def test_several_looks_and_another_refiner(place: Place, invoke: Invoke) -> None:
    assert (
        invoke("critique", place.photo, place.photo, "x", "--passes", "3", "--json").json["semantic"] == 5.5
    )
    assert len(place.calls()) == 3
    document = invoke("refine", place.photo, place.photo, "x", "--refiner", "fake-thinker", "--json").json
    assert document["prompt"] == "x (refined for turn 2)"


def test_the_built_in_thinker_measures(place: Place, invoke: Invoke) -> None:
    document = invoke(
        "critique", place.photo, place.photo, "make it warmer", "--thinker", "measured", "--json"
    ).json
    assert document["semantic"] < 8, "nothing was changed, and it sees that"
    assert document["satisfied"] is False


def test_a_thinker_that_cannot_judge_has_its_code(place: Place, invoke: Invoke) -> None:
    done = invoke("critique", place.photo, place.photo, "give her a hat", "--thinker", "measured")
    assert done.code == 4
    assert done.err.startswith("Error: ")

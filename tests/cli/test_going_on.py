"""`thinkedit sessions resume | judge | fork` on sessions that wait for their user."""

from __future__ import annotations

import pytest

from .conftest import Invoke, Place
from .test_sessions import made


def test_a_pause_is_gone_on_with_turn_by_turn(place: Place, invoke: Invoke) -> None:
    first = made(invoke, place, "--pause", "turn")
    assert (first["status"], len(first["turns"])) == ("paused", 1)
    assert first["why"] == "It waits for the caller after turn 1."
    again = invoke("sessions", "resume", "last", "--prompt", "my own words", "--json").json
    assert (again["status"], again["turns"][1]["prompt"]) == ("paused", "my own words")
    done = invoke("sessions", "resume", "last")
    assert done.code == 0
    assert "satisfied after 3 turns" in done.out


def test_the_user_is_the_thinker(place: Place, invoke: Invoke) -> None:
    begun = invoke("edit", place.photo, "make it warmer", "--thinker", "host")
    assert begun.code == 0
    assert "paused after 1 turn" in begun.out
    assert "go on: thinkedit sessions judge" in begun.out
    no_critique = invoke("sessions", "resume", "last")
    assert no_critique.code == 2
    assert "waits for your critique of turn 1: give it with `thinkedit sessions judge" in no_critique.err
    scores = ["--semantic", "5", "--quality", "7"]
    for wrong, line in [
        (["--semantic", "11", "--quality", "7"], "critique.semantic has the value 11.0"),
        (scores, "its next_prompt is empty"),
        ([*scores, "--prompt", "x", "--turns", "0"], "--turns is 0"),
    ]:
        refused = invoke("sessions", "judge", "last", *wrong)
        assert refused.code == 2
        assert line in refused.err
    again = invoke("sessions", "judge", "last", *scores, "--prompt", "much warmer", "--why", "too cold")
    assert again.code == 0, again.err
    done = invoke("sessions", "judge", "last", "--semantic", "9", "--quality", "8", "--json").json
    assert (done["stop_reason"], done["selected_turn"]) == ("satisfied", 2)
    assert [turn["prompt"] for turn in done["turns"]] == ["make it warmer", "much warmer"]
    late = invoke("sessions", "judge", "last", *scores)
    assert late.code == 2
    assert "only one that waits takes a critique" in late.err


def test_a_fork_leaves_the_old_way_as_it_was(place: Place, invoke: Invoke) -> None:
    trunk = made(invoke, place)
    branch = invoke("sessions", "fork", "last", "1", "--prompt", "another way", "--json").json
    assert branch["session_id"] != trunk["session_id"]
    assert [turn["prompt"] for turn in branch["turns"][:2]] == ["make it warmer", "another way"]
    assert invoke("sessions", "show", trunk["session_id"], "--json").json["turns"] == trunk["turns"]
    shown = invoke("sessions", "fork", trunk["session_id"], "1", "--prompt", "a third way")
    assert "\nturn 1: semantic" in shown.out
    assert "\nturn 2: semantic" not in shown.out  # the trunk's: the branch does not share it
    assert "has no turn 9" in invoke("sessions", "fork", trunk["session_id"], "9").err


@pytest.mark.parametrize("option", [["--pause", "often"], ["--thinker", "host", "--candidates", "2"]])
def test_settings_that_make_no_sense_are_refused(place: Place, invoke: Invoke, option: list[str]) -> None:
    refused = invoke("edit", place.photo, "make it warmer", *option)
    assert refused.code == 2
    assert option[-2].removeprefix("--") in refused.err

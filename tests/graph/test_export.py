"""The trajectory record: what it takes and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from thinkedit.graph.export import Trajectory


def line(**changes: Any) -> dict[str, Any]:
    steps = [
        {"t": 1, "prompt": "a", "image": "s/turn-1.png", "reason": "r", "next_prompt": "b", "stop": False,
         "seed": 1, "origin": "instruction", "scores": {"semantic": 4, "quality": 9, "overall": 6}},
        {"t": 2, "prompt": "b", "image": None, "reason": "", "next_prompt": None, "stop": False,
         "seed": 1, "origin": "thinker", "error": "refused"},
    ]  # fmt: skip
    whole = {
        "id": "s", "source_id": "0" * 64, "editor": "e", "T_s": "a", "I_src": "s/source.png", "steps": steps,
        "stop_reason": "max_iter", "thinker": "t", "mode": "while", "threshold": 8, "selected": 1,
    }  # fmt: skip
    return {**whole, **changes}


def test_a_good_line_goes_both_ways() -> None:
    trajectory = Trajectory.model_validate(line())
    assert (trajectory.instruction, trajectory.source) == ("a", "s/source.png")
    written = trajectory.model_dump_json()
    assert '"T_s":"a"' in written
    assert Trajectory.model_validate_json(written) == trajectory


BAD: dict[str, dict[str, Any]] = {
    "an absolute path": {"I_src": "/etc/passwd"},
    "a path upwards": {"I_src": "../source.png"},
    "a path of Windows": {"I_src": "s\\source.png"},
    "an unknown stop reason": {"stop_reason": "tired"},
    "an unknown field": {"mood": "good"},
    "a selected step without an image": {"selected": 2},
    "a selected step that is not there": {"selected": 3},
    "steps out of order": {"steps": list(reversed(line()["steps"]))},
    "a step that follows another prompt": {
        "steps": [{**line()["steps"][0], "next_prompt": "c"}, line()["steps"][1]]
    },
    "a score beyond the scale": {
        "steps": [{**line()["steps"][0], "scores": {"semantic": 11, "quality": 9, "overall": 10}}]
    },
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_a_bad_line_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Trajectory.model_validate(line(**changes))

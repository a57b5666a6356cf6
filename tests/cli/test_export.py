"""`thinkedit sessions export`: the folder, and the line in the dataset's form."""

from __future__ import annotations

import json
import os

from PIL import Image

from thinkedit.graph.export import Trajectory

from .conftest import Invoke, Place


def test_a_session_as_a_trajectory(place: Place, invoke: Invoke) -> None:
    session = invoke("edit", place.photo, "make it warmer", "--json", "--seed", "5").json
    done = invoke("sessions", "export", "last", "-o", "out")
    assert done.code == 0, done.err
    folder = place.folder / "out"
    id_ = session["session_id"]
    assert sorted(os.listdir(folder)) == [id_, "trajectories.jsonl"]
    assert sorted(os.listdir(folder / id_)) == ["source.jpg", "turn-1.png", "turn-2.png", "turn-3.png"]
    lines = (folder / "trajectories.jsonl").read_text().splitlines()
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert list(line)[:8] == [
        "id", "source_id", "editor", "task_type", "T_s", "I_src", "steps", "stop_reason",
    ]  # fmt: skip
    assert (line["id"], line["T_s"], line["I_src"]) == (id_, "make it warmer", f"{id_}/source.jpg")
    assert (line["stop_reason"], line["ended"], line["selected"]) == ("expert", "satisfied", 3)
    assert line["steps"][0] == {
        "t": 1,
        "prompt": "make it warmer",
        "image": f"{id_}/turn-1.png",
        "reason": "turn 1 is nearer to what was asked",
        "next_prompt": "make it warmer (turn 2)",
        "stop": False,
        "error": None,
        "scores": {"semantic": 5.5, "quality": 7.0, "overall": 6.2048},
        "seed": 5,
        "origin": "instruction",
        "candidates": [],
    }
    last = line["steps"][-1]
    assert (last["stop"], last["next_prompt"]) == (True, last["prompt"])
    trajectory = Trajectory.model_validate_json(lines[0])
    for step in trajectory.steps:
        assert step.image is not None
        with Image.open(folder / step.image) as image:
            assert image.size == (64, 48)
    assert trajectory.model_dump_json() == lines[0]


def test_several_sessions_and_candidates(place: Place, invoke: Invoke) -> None:
    first = invoke("edit", place.photo, "x", "--json", "--candidates", "2", "--turns", "1").json
    second = invoke("edit", place.photo, "y", "--json", "--turns", "1").json
    ids = [first["session_id"], second["session_id"]]
    done = invoke("sessions", "export", *ids, ids[0], "-o", "out", "--json")
    assert done.json["sessions"] == ids
    lines = [json.loads(line) for line in (place.folder / "out/trajectories.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ids
    assert [line["stop_reason"] for line in lines] == ["max_iter", "max_iter"]
    names = [candidate["image"] for candidate in lines[0]["steps"][0]["candidates"]]
    assert names == [f"{ids[0]}/turn-1.png", f"{ids[0]}/turn-1-candidate-2.png"]
    assert all((place.folder / "out" / name).exists() for name in names)


def test_a_failed_and_an_interrupted_session(place: Place, invoke: Invoke) -> None:
    place.configure(thinker='script = ["no answer"]')
    invoke("edit", place.photo, "x")
    invoke("sessions", "export", "last", "-o", "out")
    line = json.loads((place.folder / "out/trajectories.jsonl").read_text())
    assert (line["stop_reason"], line["ended"]) == ("expert_error", "thinker_failed")
    assert (line["steps"][0]["scores"], line["steps"][0]["next_prompt"]) == (None, None)


def test_a_prompt_that_the_editor_refused_is_a_step_without_an_image(place: Place, invoke: Invoke) -> None:
    done = invoke("edit", place.photo, "make it warmer", "--editor", "photo", "--turns", "2")
    assert "turn 2 of 2: the editor made no image for this prompt" in done.out
    assert 'turn 2: the photo editor does not understand "turn 2"' in invoke("sessions", "show", "last").out
    assert invoke("sessions", "export", "last", "-o", "out").code == 0
    steps = json.loads((place.folder / "out/trajectories.jsonl").read_text())["steps"]
    assert [step["image"] is None for step in steps] == [False, True]
    assert "does not understand" in steps[1]["error"]
    assert steps[1]["scores"] is None


def test_a_callers_prompt_is_marked(place: Place, invoke: Invoke) -> None:
    invoke("edit", place.photo, "x", "--turns", "1", "--threshold", "10")
    invoke("sessions", "resume", "last", "--turns", "1", "--prompt", "mine")
    invoke("sessions", "export", "last", "-o", "out")
    steps = json.loads((place.folder / "out/trajectories.jsonl").read_text())["steps"]
    assert [(step["prompt"], step["origin"]) for step in steps] == [("x", "instruction"), ("mine", "caller")]
    assert steps[0]["next_prompt"] == "mine"


def test_a_folder_with_something_in_it_is_refused(place: Place, invoke: Invoke) -> None:
    invoke("edit", place.photo, "x", "--turns", "1")
    (place.folder / "out").mkdir()
    assert invoke("sessions", "export", "last", "-o", "out").code == 0, "an empty one is filled"
    before = sorted((place.folder / "out").rglob("*"))
    done = invoke("sessions", "export", "last", "-o", "out")
    assert done.code == 2
    assert "not empty" in done.err
    assert sorted((place.folder / "out").rglob("*")) == before
    assert invoke("sessions", "export", "last", "-o", "no/where").code == 2


def test_a_damaged_picture_leaves_no_folder(place: Place, invoke: Invoke) -> None:
    invoke("edit", place.photo, "x", "--turns", "1")
    picture = next((place.data / "store/images").rglob("*.png"))
    picture.write_bytes(picture.read_bytes()[:-10])
    done = invoke("sessions", "export", "last", "-o", "out")
    assert done.code == 5
    assert "damaged" in done.err
    assert not [name for name in os.listdir(place.folder) if "out" in name]

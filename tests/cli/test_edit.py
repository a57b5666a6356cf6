"""`thinkedit edit`: what it writes, where, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.types import Critique, Usage

from .conftest import Invoke, Place

RAW = "<think>{think}</think><score>{score}</score><answer>{answer}</answer>"


def raw(score: str, answer: str = "again", think: str = "seen") -> str:
    return "script = " + json.dumps([RAW.format(think=think, score=score, answer=answer)])


def test_the_result_lies_beside_the_source_in_its_format(place: Place, invoke: Invoke) -> None:
    done = invoke("edit", place.photo, "make it warmer")
    assert (done.code, done.err) == (0, "")
    written = place.folder / "photo-edited.jpg"
    with Image.open(written) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))
    assert done.out.splitlines()[-1] == f"written: {written}"
    assert "turn 3 of 4: semantic 8.5, quality 8.0, overall 8.2" in done.out
    assert "turn 2 of 4: next prompt: make it warmer (turn 2)" in done.out
    assert "satisfied after 3 turns" in done.out
    assert "\x1b" not in done.out


def test_a_second_result_never_replaces_the_first(place: Place, invoke: Invoke) -> None:
    invoke("edit", place.photo, "make it warmer")
    first = (place.folder / "photo-edited.jpg").read_bytes()
    assert invoke("edit", place.photo, "make it warmer").code == 0
    assert (place.folder / "photo-edited.jpg").read_bytes() == first
    assert (place.folder / "photo-edited-2.jpg").exists()


def test_the_source_is_never_touched(place: Place, invoke: Invoke) -> None:
    before = place.photo.read_bytes()
    invoke("edit", place.photo, "make it warmer")
    assert place.photo.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "format_", "expected"),
    [
        ("a.png", "PNG", "a-edited.png"),
        ("a.JPG", "JPEG", "a-edited.JPG"),
        ("a.jpeg", "JPEG", "a-edited.jpeg"),
        ("a.webp", "WEBP", "a-edited.webp"),
        ("a.tif", "TIFF", "a-edited.tif"),
        ("a.gif", "GIF", "a-edited.png"),
        ("a.bmp", "BMP", "a-edited.png"),
        ("no ending", "PNG", "no ending-edited.png"),
        ("wrong.png", "JPEG", "wrong-edited.jpg"),
        ("ü ✓ 'x'.png", "PNG", "ü ✓ 'x'-edited.png"),
        (f"{'n' * 250}.png", "PNG", f"{'n' * 220}-edited.png"),
    ],
)
def test_names_of_results(place: Place, invoke: Invoke, name: str, format_: str, expected: str) -> None:
    Image.new("RGB", (8, 8), "teal").save(place.folder / name, format=format_)
    done = invoke("edit", name, "x", "--turns", "1")
    assert done.code == 0, done.err
    assert (place.folder / expected).exists(), os.listdir(place.folder)


@pytest.mark.skipif(os.name != "posix", reason="such names exist on POSIX file systems only")
def test_a_name_that_is_no_utf8(place: Place, invoke: Invoke) -> None:
    name = os.fsdecode(b"f\xffx.png")
    Image.new("RGB", (8, 8)).save(place.folder / name)
    done = invoke("edit", name, "x", "--turns", "1")
    assert done.code == 0, done.err
    assert (place.folder / os.fsdecode(b"f\xffx-edited.png")).exists()
    again = invoke("edit", name, "x", "--turns", "1", "--json")
    assert again.code == 0, again.err
    assert again.json["status"] == "finished"


def test_o_names_file_and_format(place: Place, invoke: Invoke) -> None:
    done = invoke("edit", place.photo, "x", "-o", "sub.png", "--turns", "1")
    assert done.code == 0
    with Image.open(place.folder / "sub.png") as image:
        assert image.format == "PNG"


def test_o_may_be_a_folder(place: Place, invoke: Invoke) -> None:
    (place.folder / "out").mkdir()
    invoke("edit", place.photo, "x", "-o", "out", "--turns", "1")
    invoke("edit", place.photo, "x", "-o", "out", "--turns", "1")
    assert sorted(os.listdir(place.folder / "out")) == ["photo-edited-2.jpg", "photo-edited.jpg"]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("photo.jpg", "exists already"),
        ("nowhere/out.jpg", "there is no folder"),
        ("out.xyz", "no ending that can be written"),
        ("out", "no ending that can be written"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_a_model_is_paid(
    place: Place, invoke: Invoke, output: str, said: str
) -> None:
    done = invoke("edit", place.photo, "x", "-o", output)
    assert done.code == 2
    assert said in done.err
    assert place.calls() == []


def test_quiet_prints_the_path_alone(place: Place, invoke: Invoke) -> None:
    done = invoke("edit", place.photo, "x", "-q")
    assert (done.code, done.out, done.err) == (0, f"{place.folder / 'photo-edited.jpg'}\n", "")


def test_json_is_one_document(place: Place, invoke: Invoke) -> None:
    done = invoke("edit", place.photo, "make it warmer", "--json")
    assert (done.code, done.err) == (0, "")
    document = done.json
    assert set(document) == {
        "session_id", "status", "stop_reason", "why", "instruction", "mode", "editor", "thinker",
        "selected_turn", "source", "image", "turns", "next",
    }  # fmt: skip
    assert (document["status"], document["stop_reason"], document["selected_turn"]) == (
        "finished",
        "satisfied",
        3,
    )
    assert Path(document["image"]["path"]).samefile(place.folder / "photo-edited.jpg")
    assert [turn["critique"]["overall"] for turn in document["turns"]] == [6.2, 7.25, 8.25]


def test_options_reach_the_loop(place: Place, invoke: Invoke) -> None:
    done = invoke(
        "edit", place.photo, "x", "--json", "--turns", "2", "--threshold", "10", "--candidates", "3",
        "--seed", "11", "--patience", "5", "--select", "pairwise", "--mode", "both",
    )  # fmt: skip
    document = done.json
    assert (document["stop_reason"], document["mode"]) == ("max_turns", "both")
    assert [len(turn["candidates"]) for turn in document["turns"]] == [3, 3]
    assert [c["seed"] for c in document["turns"][0]["candidates"]] == [11, 1011, 2011]
    assert document["turns"][0]["prompt"] == "x (planned)"
    assert document["next"]["action"] == "go_on"


def test_several_looks_another_refiner_and_a_safety_check(place: Place, invoke: Invoke) -> None:
    place.configure(more='[models.guard]\nkind = "scripted"\nwords = ["dragon"]\n')
    done = invoke(
        "edit", place.photo, "warmer", "--json", "--passes", "3", "--refiner", "fake-thinker",
        "--safety", "guard", "--turns", "2",
    )  # fmt: skip
    assert done.json["turns"][1]["prompt"] == "warmer (refined for turn 2)"
    roles = [call["role"] for call in place.calls()]
    assert (roles.count("thinker"), roles.count("refiner"), roles.count("editor")) == (6, 1, 2)
    plain = invoke(
        "edit", place.photo, "warmer", "--passes", "2", "--refiner", "fake-thinker", "--safety", "guard"
    )
    first = plain.out.splitlines()[0]
    assert "refined by fake-thinker" in first
    assert "checked by guard" in first
    assert "mean of 2 critiques" in first


def test_a_safety_check_refuses_with_the_code_of_a_refusal(place: Place, invoke: Invoke) -> None:
    place.configure(more='[models.guard]\nkind = "scripted"\nwords = ["dragon"]\n')
    done = invoke("edit", place.photo, "add a dragon", "--safety", "guard")
    assert (done.code, place.calls()) == (3, [])
    assert done.err == "Error: the safety check refused the instruction: it shows or asks for 'dragon'\n"
    assert invoke("sessions", "list", "--json").json["sessions"] == []


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--refiner", "measured"), "the refiner 'measured' is a thinker that cannot write prompts"),
        (("--safety", "gaurd"), "unknown safety check 'gaurd'"),
        (("--passes", "9"), "the option passes has the value 9"),
    ],
)
def test_what_they_cannot_be_is_one_line(
    place: Place, invoke: Invoke, flags: tuple[str, str], why: str
) -> None:
    done = invoke("edit", place.photo, "warmer", *flags)
    assert done.code == 2
    assert why in done.err
    assert done.err.count("\n") == 1
    assert place.calls() == []


def test_tokens_are_told_where_they_are_counted(
    place: Place, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counting(self: object, request: object) -> Critique:
        return Critique(semantic=9, quality=9, usage=Usage(input_tokens=1234, output_tokens=56))

    monkeypatch.setattr(ScriptedThinker, "_line", counting)
    assert "tokens: 1,234 in, 56 out" in invoke("edit", place.photo, "warmer").out
    document = invoke("edit", place.photo, "warmer", "--json", "--passes", "2").json
    both = {"input_tokens": 2468, "output_tokens": 112}
    assert document["turns"][0]["usage"] == document["turns"][0]["critique"]["usage"] == both
    looked = invoke("critique", place.photo, place.photo, "warmer", "--passes", "2")
    assert "tokens: 2,468 in, 112 out" in looked.out


@pytest.mark.parametrize("budget", [("--budget-calls", "1"), ("--budget-seconds", "0.000001")])
def test_budgets_end_a_run(place: Place, invoke: Invoke, budget: tuple[str, str]) -> None:
    assert invoke("edit", place.photo, "x", "--json", *budget).json["stop_reason"] == "budget"


def test_what_was_not_good_enough_says_how_to_go_on(place: Place, invoke: Invoke) -> None:
    done = invoke("edit", place.photo, "x", "--turns", "1", "--data", "other data")
    assert done.code == 0
    session = invoke("sessions", "list", "--json", "--data", "other data").json["sessions"][0]["session_id"]
    assert f"go on: thinkedit sessions resume {session} --data 'other data'" in done.out


def test_a_uri_of_an_earlier_result_is_an_image(place: Place, invoke: Invoke) -> None:
    uri = invoke("edit", place.photo, "x", "--json").json["image"]["uri"]
    done = invoke("edit", uri, "y", "--turns", "1")
    assert done.code == 0, done.err
    assert (place.folder / "picture-edited.png").exists()


def test_keep_metadata_keeps_gps(place: Place, invoke: Invoke) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    Image.new("RGB", (8, 8)).save(place.folder / "m.jpg", exif=exif)
    for flags, expected in (((), None), (("--keep-metadata",), "a description")):
        path = invoke("edit", "m.jpg", "x", "--turns", "1", "-q", *flags).out.strip()
        with Image.open(path) as image:
            assert image.getexif().get(0x010E) == expected


def test_a_refused_instruction(place: Place, invoke: Invoke) -> None:
    arguments = ("edit", place.photo, "turn it into a dragon", "--editor", "photo", "--thinker", "measured")
    done = invoke(*arguments)
    assert done.code == 3
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    assert '"dragon"' in done.err
    assert "nearest it can do" in done.err
    refused = invoke(*arguments, "--json")
    assert (refused.code, refused.err) == (3, "")
    error = refused.json["error"]
    assert (error["type"], error["exit_code"], error["words"]) == ("UnsupportedEdit", 3, ["dragon"])
    assert invoke("sessions", "list", "--json").json == {"sessions": []}
    assert not list(place.folder.glob("*-edited*"))


def test_a_failing_thinker_leaves_the_best_so_far_and_its_own_code(place: Place, invoke: Invoke) -> None:
    place.configure(thinker='script = ["this is no answer"]')
    done = invoke("edit", place.photo, "x")
    assert done.code == 4
    assert done.err.startswith("Error: The thinker failed")
    assert (place.folder / "photo-edited.jpg").exists()
    assert "thinker failed after 1 turn" in done.out
    document = invoke("edit", place.photo, "x", "--json")
    assert (document.code, document.err) == (4, "")
    assert (document.json["status"], document.json["stop_reason"]) == ("failed", "thinker_failed")
    assert document.json["image"]["path"].endswith("photo-edited-2.jpg")


def test_a_failing_editor_writes_nothing(place: Place, invoke: Invoke) -> None:
    place.configure(latency=30)
    (place.folder / "thinkedit.toml").write_text(
        (place.folder / "thinkedit.toml")
        .read_text()
        .replace("backoff = 0", "retries = 0\nedit_timeout = 0.05")
    )
    done = invoke("edit", place.photo, "x")
    assert done.code == 4
    assert "gave no image within 0.05 s" in done.err
    assert "written: nothing, because no image was made" in done.out
    assert not list(place.folder.glob("*-edited*"))


def test_what_models_write_cannot_disturb_the_terminal(place: Place, invoke: Invoke) -> None:
    place.configure(thinker=raw("[9, 9]", think="a\\u001b[31mred\\u0007\\nnew line"))
    done = invoke("edit", place.photo, "x")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    assert "new line" in done.out


def test_a_result_that_cannot_be_written_is_kept(
    place: Place, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    import thinkedit.images
    from thinkedit.errors import StoreError

    def full(*_: object, **__: object) -> Path:
        raise StoreError("photo-edited.jpg cannot be written: No space left on device")

    monkeypatch.setattr(thinkedit.images, "save", full)
    done = invoke("edit", place.photo, "x")
    monkeypatch.undo()
    assert done.code == 5
    assert (
        "No space left on device; the picture is kept, this writes it elsewhere: thinkedit sessions pick"
        in done.err
    )
    command = done.err.partition("thinkedit ")[2].split()
    kept = invoke(*command[:-1], place.folder / "kept.png", "--data", place.data)
    assert kept.code == 0, kept.err
    assert (place.folder / "kept.png").exists()


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX systems")
def test_a_store_that_fills_up_in_the_middle(place: Place, invoke: Invoke) -> None:
    """The source fits below the limit, the edited picture does not: the way on is said, and works."""
    Image.new("RGB", (400, 300), "teal").save(place.folder / "flat.png")
    noisy = "import numpy, thinkedit.adapters.editors.scripted as s; from thinkedit.images import Picture; "
    noisy += "s._paint = lambda source, size, digest: Picture.from_pixels("
    noisy += "numpy.random.default_rng(1).integers(0, 255, (300, 400, 3), 'uint8')); "
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
    code = limit + noisy + "from thinkedit.cli.app import run; import sys; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "edit", "flat.png", "x"],
        cwd=place.folder,
        env=place.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5, done.stderr
    assert "File too large: free some space" in done.stderr
    assert done.stderr.count("\n") == 1
    resumed = invoke(*done.stderr.partition("go on with: thinkedit ")[2].split())
    assert resumed.code == 0, resumed.err
    assert (place.folder / "flat-edited.png").exists()

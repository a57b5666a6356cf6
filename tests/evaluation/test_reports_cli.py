"""`evaluate ablate`, `report` and `compare`, as a user types them."""

from __future__ import annotations

import json
import signal

import pytest

from tests.cli.conftest import Invoke, Place, invoke, place
from tests.evaluation.made import made_run

__all__ = ["invoke", "place"]

SMALL = ["evaluate", "ablate", "--samples", "2", "--turns", "1,2", "--editors", "provingground:weak"]
SMALL += ["--experts", "provingground:0.5", "--modes", "while,before", "--processes", "1"]


def test_an_ablation_from_the_command_to_its_report(place: Place, invoke: Invoke) -> None:
    told = invoke(*SMALL, "--dry-run")
    assert (told.code, told.err) == (0, "")
    assert "3 runs (1 seeds of each) of 2 samples" in told.out
    assert "at most 10 editor passes" in told.out
    assert not (place.folder / "ablation-provingground").exists(), "nothing was written"
    done = invoke(*SMALL)
    assert done.code == 0, done.err
    assert "[3/3]" in done.out
    assert "Simulation" in done.out
    assert "1 turn < 2 turns" in done.out
    report = place.folder / "ablation-provingground" / "report"
    page = (report / "index.html").read_text("utf-8")
    assert "Which orderings hold" in page
    before = page
    again = invoke(*SMALL)
    assert again.out.count("done before") == 3
    assert (report / "index.html").read_text("utf-8") == before
    elsewhere = invoke("evaluate", "report", "ablation-provingground", "-o", "elsewhere")
    assert elsewhere.code == 0
    assert (place.folder / "elsewhere" / "index.html").read_text("utf-8") == before
    other = invoke(*SMALL, "--seeds", "2")
    assert other.code == 2
    assert "seeds = 1 and not 2" in other.err


def test_no_key_is_written_down(place: Place, invoke: Invoke) -> None:
    place.configure(more='[models.mine]\nkind = "provingground:0.5"\nscores = true\n[models.theirs]\n'
                    'kind = "scripted"\nlog = "secret-place"\n')  # fmt: skip
    done = invoke(
        *SMALL, "--experts", "mine", "--scoring", "mine", "--modes", "while", "--judge", "provingground"
    )
    assert done.code == 0, done.err
    kept = json.loads((place.folder / "ablation-provingground" / "ablation.json").read_text())
    assert kept["models"] == {"mine": {"kind": "provingground:0.5", "scores": True}}
    page = (place.folder / "ablation-provingground" / "report" / "report.md").read_text("utf-8")
    assert "0.5 (scores)" in page
    refused = invoke(*SMALL, "--editors", "theirs", "--scoring", "provingground:0.5", "-o", "x")
    assert refused.code == 4, "a scripted editor's pictures are of no world: told, counted, and not fatal"
    assert "secret-place" not in (place.folder / "x" / "ablation.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("ablate", "--turns", "1,x"), "give whole numbers"),
        (("ablate", "--turns", "99"), "from 1 to 12"),
        (("ablate", "--editors", "nobody"), "nobody"),
        (("ablate", "--modes", "sometimes"), "--modes"),
        (("ablate", "--reference", "provingground:0.2"), "none of the experts"),
        (("ablate", "--benchmark", "gedit", "--data", "x"), "no judge"),
        (("ablate", "--benchmark", "gedit", "--judge", "scripted"), "no data"),
        (("report", "nothing"), "holds no run"),
        (("compare", "nothing", "more"), "holds no run"),
    ],
)
def test_what_cannot_be_is_one_line(
    place: Place, invoke: Invoke, arguments: tuple[str, ...], line: str
) -> None:
    refused = invoke("evaluate", *arguments)
    assert refused.code == 2
    assert line in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert not list(place.folder.glob("ablation*"))


def test_runs_are_reported_and_compared(place: Place, invoke: Invoke) -> None:
    made_run(place.folder / "one", [[2], [4], [6]], turns=1)
    made_run(place.folder / "two", [[3], [4], [8]], turns=1)
    done = invoke("evaluate", "report", "one", "two")
    assert done.code == 0, done.err
    assert (place.folder / "one" / "report" / "report.md").is_file()
    said = invoke("evaluate", "compare", "one", "two")
    assert said.out.splitlines()[0].startswith("Simulation")
    assert "all overall: 4.00 to 5.00, +1.00" in said.out.splitlines()[1]
    assert "better 2, same 1, worse 0" in said.out
    told = json.loads(invoke("evaluate", "compare", "one", "two", "--json").out)
    assert told["rows"][0]["difference"] == pytest.approx(1.0)
    assert (told["rows"][0]["group"], told["rows"][0]["n"]) == ("all", 3)
    unscored = place.folder / "two" / "scores.jsonl"
    unscored.unlink()
    refused = invoke("evaluate", "report", "two")
    assert refused.code == 2
    assert "evaluate score" in refused.err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_leaves_what_the_same_command_goes_on_with(place: Place, number: signal.Signals) -> None:
    command = [word for word in SMALL if word not in ("--processes", "1")] + [
        "--samples",
        "12",
        "--seeds",
        "2",
    ]
    process = place.spawn(*command, "--processes", "2")
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("[1/"), process.stderr and process.stderr.read()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)  # its pipes end with the last of its processes
    if number is signal.SIGTERM:
        assert process.returncode == 130
        assert "the same command goes on" in err
    again = place.spawn(*command, "--processes", "2")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert "done before" in out
    assert "report:" in out

"""Reports: the right numbers, nothing that a model wrote taken for markup, and honest words at the top."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.evaluation.made import HOSTILE, made_run
from thinkedit.errors import InputError
from thinkedit.evaluation.report.document import (
    Block,
    Document,
    Gallery,
    Notice,
    Table,
    interval,
    number,
    signed,
)
from thinkedit.evaluation.report.html import html_page
from thinkedit.evaluation.report.markdown import markdown
from thinkedit.evaluation.report.runs import run_report
from thinkedit.evaluation.report.writing import write_report
from thinkedit.evaluation.statistics import Comparison, Estimate

JUDGED = [[2, 6], [4, 4], [8, 5, 9], [7, 7, 3], [5], [6, 8]]
THOUGHT = [[3, 6], [4, 3], [8, 6, 7], [6, 8, 7], [9], [5, 9]]


def tables(document: Document) -> dict[str, Table]:
    return {block.caption: block for block in document.blocks if isinstance(block, Table)}


def cells(table: Table) -> list[list[str]]:
    return [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows]


def attributes_of(page: str) -> list[str]:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(name for name, _ in attrs)

    Reader().feed(page)
    assert found
    return found


def told(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Notice)]


def test_which_turn_is_taken(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", JUDGED, THOUGHT)
    by = {result.sample: result for result in run.results}
    assert [run.taken(by["s02"], turns) for turns in (1, 2, 3, 8)] == [1, 1, 1, 1], "best by the thinker"
    assert [run.taken(by["s02"], turns, "last") for turns in (1, 2, 3, 8)] == [1, 2, 3, 3]
    assert [run.taken(by["s02"], turns, "judge") for turns in (1, 2, 3, 8)] == [1, 1, 3, 3]
    assert run.taken(by["s01"], 2, "judge") == 1, "the earliest of equals"
    silent = made_run(tmp_path / "silent", JUDGED)
    assert [silent.taken(result, 2) for result in silent.results] == [2, 2, 2, 2, 1, 2]


def test_the_tables_have_the_numbers(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", JUDGED, THOUGHT)
    document = run_report([run])
    scores = cells(next(t for caption, t in tables(document).items() if "headline" in caption))
    (overall,) = [row for row in scores if row[1:3] == ["all", "overall"]]
    # Taken: turns 2, 1, 1, 2, 1, 2 of the six samples; the first turns have 2, 4, 8, 7, 5, 6.
    assert overall[3:5] == ["6", number((6 + 4 + 8 + 7 + 5 + 8) / 6)]
    assert overall[6:8] == [number((2 + 4 + 8 + 7 + 5 + 6) / 6), "+1.00"]
    gained = cells(tables(document)["Gain over the first turn by task type"])
    assert [row[1:6] for row in gained] == [
        ["recolour", "3", "5.00", "6.33", "+1.33"],
        ["remove", "3", "5.67", "6.33", "+0.67"],
    ]
    lost = cells(tables(document)["The result against the first turn, sample by sample"])
    assert lost[0][1:6] == ["6", "2", "4", "0", "0.0 %"]
    agreed = cells(tables(document)["Rank correlation, and how much higher the thinker scores"])
    assert agreed[0][1] == "13"


def test_a_loop_that_harms_is_shown_as_that(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", [[9, 3], [8, 8], [7, 9], [5, 1]])
    document = run_report([run])
    lost = cells(tables(document)["The result against the first turn, sample by sample"])
    assert lost[0][1:6] == ["4", "1", "1", "2", "50.0 %"]
    assert lost[0][7:] == ["−5.00", "recolour 1/2, remove 1/2"]
    best, worst = [block for block in document.blocks if isinstance(block, Gallery)]
    assert [case.title[:3] for case in best.cases] == ["s02"]
    assert [case.title[:3] for case in worst.cases] == ["s00", "s03"]
    assert "9.00 to 3.00 (−6.00)" in worst.cases[0].title
    assert all(turn.picture is not None for case in worst.cases for turn in case.turns)


def test_hostile_text_stays_text_and_nothing_is_loaded(tmp_path: Path) -> None:
    run = made_run(
        tmp_path / "run", JUDGED, THOUGHT, text=HOSTILE, groups=(HOSTILE, "<b>"), editor=HOSTILE,
        problems=[HOSTILE],
    )  # fmt: skip
    document = run_report([run])
    page = html_page(document)
    assert "&lt;script&gt;alert(1)" in page
    tags = set(re.findall(r"<([a-z0-9]+)", page))
    assert "script" not in tags
    assert not [name for name in attributes_of(page) if name.startswith("on")]
    assert all(uri.startswith("data:image/") for uri in re.findall(r'src="([^"]*)"', page))
    assert not re.search(r"https?://|@import|url\(", re.sub(r"<p[^>]*>[^<]*</p>", "", page))
    assert "\x07" not in page
    text = markdown(document).text
    assert "<script" not in text
    assert "<img" not in text
    assert "\\[a\\](b)" in text, "no link"
    for line in text.splitlines():
        if line.startswith(("| s", "| run")):
            assert len(re.findall(r"(?<!\\)\|", line)) >= 3


def test_what_does_not_compare_is_said_at_the_top(tmp_path: Path) -> None:
    simulated = run_report([made_run(tmp_path / "world", JUDGED)])
    (first, *_) = simulated.blocks
    assert isinstance(first, Notice)
    assert "Simulation" in first.text
    assert "Simulation" in html_page(simulated)
    assert "Simulation" in markdown(simulated).text
    ours = run_report([made_run(tmp_path / "ours", JUDGED, benchmark="gedit", groups=("color_alter",))])
    assert any("Not comparable with published numbers" in text for text in told(ours.blocks))
    theirs = run_report(
        [made_run(tmp_path / "theirs", JUDGED, benchmark="gedit", groups=("color_alter",), official=True)]
    )
    assert told(theirs.blocks) == []


def test_the_papers_numbers_stand_beside_ours(tmp_path: Path) -> None:
    run = made_run(
        tmp_path / "run",
        JUDGED,
        benchmark="gedit",
        groups=("color_alter", "style_change"),
        editor="diffusers:black-forest-labs/FLUX.1-Kontext-dev",
        thinker="transformers:x/EditThinker-8B",
        turns=5,
    )
    document = run_report([run])
    beside = cells(tables(document)["Printed in arXiv 2512.05965v1, beside ours"])
    assert {(row[2], row[3], row[4]) for row in beside if row[3] != "G_PQ"} == {
        ("Table 1: +EditThinker-8B", "G_SC", "7.59"),
        ("Table 1: +EditThinker-8B", "G_O", "7.02"),
        ("Table 5: +EditThinker-8B-RL", "G_SC", "7.59"),
        ("Table 5: +EditThinker-8B-RL", "G_O", "7.02"),
    }
    # The two groups' last turns: (6 + 9 + 5) / 3 and (4 + 3 + 8) / 3.
    assert {row[5] for row in beside} == {number((20 / 3 + 15 / 3) / 2)}
    assert "disagrees with itself" in markdown(document).text
    assert "Printed in arXiv" not in markdown(run_report([made_run(tmp_path / "w", JUDGED)])).text


def test_runs_are_compared_and_what_cannot_be_is_refused(tmp_path: Path) -> None:
    one = made_run(tmp_path / "one", [[2], [4], [6], [8]], turns=1)
    other = made_run(tmp_path / "other", [[3], [4], [8]], turns=1)
    (found,) = cells(next(t for c, t in tables(run_report([one, other])).items() if "paired" in c))
    assert found[:6] == ["one", "other", "3", "4.00", "5.00", "+1.00"]
    assert found[8] == "2 / 1 / 0"
    gedit = made_run(tmp_path / "gedit", [[3]], benchmark="gedit", groups=("color_alter",))
    with pytest.raises(InputError, match="cannot stand in one report"):
        run_report([one, gedit])
    with pytest.raises(InputError, match="named twice"):
        run_report([one, one])


def test_what_could_not_be_scored_is_counted(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", [[2, None], [4, 6], []], problems=[None, None, "the picture is torn"])
    document = run_report([run])
    left = cells(tables(document)["Left out of the numbers"])
    assert left == [
        ["run", "no result: the picture is torn", "1"],
        ["run", "not scored: no score in the answer", "1"],
    ]


def test_it_is_written_alike_twice(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", JUDGED, THOUGHT)
    first, second = tmp_path / "a", tmp_path / "b"
    page, text = write_report(run_report([run]), first)
    write_report(run_report([run]), second)
    assert (page, text) == (first / "index.html", first / "report.md")
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(names) > 6
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    shown = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text.read_text("utf-8"))
    assert len(shown) > 6
    assert all((first / name).is_file() for name in shown), "every picture of the Markdown is there"


def test_numbers_as_they_are_printed() -> None:
    assert (number(None), number(-0.001), number(-1.234)) == ("–", "0.00", "−1.23")
    assert (signed(0.5), signed(-0.5), signed(0.001)) == ("+0.50", "−0.50", "0.00")
    assert interval(Estimate(1, 2.0)) == "–"
    assert interval(Comparison(2, low=-1.0, high=2.0)) == "−1.00 to +2.00"

"""What the package notes while a command runs: single lines on standard error."""

from __future__ import annotations

import logging

import pytest

from thinkedit.cli.logs import noted


def broken() -> None:
    try:
        raise ValueError("shapes\ndo not match")
    except ValueError:
        logging.getLogger("thinkedit").exception("the editor failed: %s", "shapes\ndo not match")


def test_a_fault_is_one_line_without_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with noted(debug=False, quiet=False):
        broken()
    assert capsys.readouterr().err == "the editor failed: shapes do not match\n"


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with noted(debug=True, quiet=False):
        broken()
    assert "ValueError: shapes" in capsys.readouterr().err


@pytest.mark.parametrize("quiet", [False, True])
def test_what_was_decided_for_a_model_is_told_unless_quiet(
    capsys: pytest.CaptureFixture[str], quiet: bool
) -> None:
    with noted(debug=False, quiet=quiet):
        logging.getLogger("thinkedit.models").info("kontext: cuda:0, bfloat16, device")
        logging.getLogger("thinkedit.graph").info("nobody wants to know")
    assert capsys.readouterr().err == ("" if quiet else "kontext: cuda:0, bfloat16, device\n")


def test_nothing_stays_behind(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger("thinkedit").handlers[:]
    with noted(debug=False, quiet=False):
        pass
    assert logging.getLogger("thinkedit").handlers == before

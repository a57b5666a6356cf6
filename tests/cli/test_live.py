"""The live view on a terminal of its own: what is drawn, that Ctrl-C works there, and what it leaves."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from .conftest import Invoke, Place

pty = pytest.importorskip("pty", reason="pseudo-terminals of POSIX systems")


class Terminal:
    """A pseudo-terminal of 80 x 24 and the process in it."""

    def __init__(self, place: Place, *arguments: str, **env: str) -> None:
        import fcntl
        import struct
        import termios

        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "thinkedit", *arguments],
            cwd=place.folder,
            env=place.environment(**{"TERM": "xterm-256color", **env}),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.seen = ""

    def until(self, text: str) -> None:
        while text not in self.seen:
            assert self._read(), f"{text!r} was not drawn: {self.seen}"

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def finish(self) -> int:
        while self._read():
            pass
        os.close(self.master)
        return self.process.wait()

    def _read(self) -> bool:
        try:
            part = os.read(self.master, 65536)
        except OSError:  # the last holder of the terminal has gone
            return False
        self.seen += part.decode()
        return bool(part)

    @property
    def text(self) -> str:
        """What was drawn, without the sequences that move and colour."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen).replace("\r", "")


def test_turns_are_drawn(place: Place) -> None:
    place.configure(latency=0.15)
    terminal = Terminal(place, "edit", "photo.jpg", "make it warmer")
    code = terminal.finish()
    assert code == 0, terminal.text
    assert "editing" in terminal.text
    assert "looking at the result" in terminal.text
    assert "6.2   semantic 5.5  quality 7.0" in terminal.text
    assert "next      make it warmer (turn 2)" in terminal.text
    assert "✔  satisfied after 3 turns" in terminal.text
    assert f"written  {place.folder / 'photo-edited.jpg'}" in terminal.text
    assert "\x1b[?25l" in terminal.seen, "the cursor is hidden while it draws"
    assert terminal.seen.rindex("\x1b[?25h") > terminal.seen.rindex("\x1b[?25l"), "and shown again"


def test_the_steps_of_a_model_are_drawn(place: Place) -> None:
    place.configure(more='[models.stepping]\nkind = "scripted"\nsteps = 4\nlatency = 2.0\n')
    terminal = Terminal(place, "edit", "photo.jpg", "make it warmer", "--editor", "stepping", "--turns", "1")
    terminal.until("step 2 of 4")
    assert terminal.finish() == 0, terminal.text
    assert "editing: step 3 of 4  (turn 1 of 1)" in terminal.text


def test_control_c_on_the_terminal(place: Place) -> None:
    place.configure(latency=0.5)
    terminal = Terminal(place, "edit", "photo.jpg", "make it warmer")
    terminal.until("(turn 2)")
    terminal.press(b"\x03")
    code = terminal.finish()
    assert code == 130, terminal.text
    assert "interrupted after 1 turn" in terminal.text
    assert "written  " in terminal.text
    assert "go on    thinkedit sessions resume" in terminal.text
    assert terminal.seen.rindex("\x1b[?25h") > terminal.seen.rindex("\x1b[?25l")
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_plain_lines_where_they_are_asked_for(place: Place, env: dict[str, str]) -> None:
    terminal = Terminal(place, "edit", "photo.jpg", "make it warmer", **env)
    assert terminal.finish() == 0
    assert "\x1b" not in terminal.seen
    assert "turn 1 of 4: semantic 5.5, quality 7.0, overall 6.2" in terminal.text


def test_a_failure_leaves_the_terminal_as_it_was(place: Place) -> None:
    place.configure(thinker='script = ["no answer"]')
    terminal = Terminal(place, "edit", "photo.jpg", "x")
    assert terminal.finish() == 4
    assert "thinker failed after 1 turn" in terminal.text
    assert terminal.seen.rindex("\x1b[?25h") > terminal.seen.rindex("\x1b[?25l")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sessions", "list"), "instruction"),
        (("sessions", "show", "last"), "chosen"),
        (("critique", "--session", "last"), "semantic 8.5"),
        (("refine", "--session", "last"), "next"),
        (("doctor",), "claude mcp add --scope user"),
    ],
)
def test_other_commands_are_drawn_too(
    place: Place, invoke: Invoke, arguments: tuple[str, ...], said: str
) -> None:
    assert invoke("edit", "photo.jpg", "x").code == 0
    terminal = Terminal(place, *arguments)
    assert terminal.finish() == 0, terminal.text
    assert said in terminal.text

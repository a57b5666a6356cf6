"""Completion as the shells ask for it: commands, options, and the ids of sessions."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import Invoke, Place

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shells of Windows are not driven here")

Complete = Callable[[str], list[str]]


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def settings(place: Place) -> dict[str, str]:
    """The environment of a user who has `thinkedit` on the path, and sessions below `data`."""
    (place.folder / "home").mkdir(exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return place.environment(PATH=path, THINKEDIT_DATA=str(place.data), TERM="dumb")


@pytest.fixture
def install(place: Place, settings: dict[str, str]) -> Callable[[str], None]:
    def installed(program: str) -> None:
        # Which shell it is, it sees from the process that called it.
        command = [program, "-c", "thinkedit --install-completion && true"]
        done = subprocess.run(
            command, cwd=place.folder, env=settings, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return installed


@pytest.fixture
def bash(place: Place, settings: dict[str, str], install: Callable[[str], None]) -> Complete:
    program = shell("bash")
    install(program)
    script = """
        source ~/.bashrc
        read -r _ _ _ _ function _ <<< "$(complete -p thinkedit)"
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        "$function" thinkedit
        printf '%s\\n' "${COMPREPLY[@]}"
    """

    def complete(line: str) -> list[str]:
        command = [program, "--norc", "-c", script, "bash", *line.split(" ")]
        done = subprocess.run(
            command, cwd=place.folder, env=settings, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return complete


@pytest.fixture
def fish(place: Place, settings: dict[str, str], install: Callable[[str], None]) -> Complete:
    program = shell("fish")
    install(program)

    def complete(line: str) -> list[str]:
        command = [program, "-c", 'complete -C "$argv[1]"', line]
        done = subprocess.run(
            command, cwd=place.folder, env=settings, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return [text.split("\t")[0] for text in done.stdout.splitlines()]

    return complete


@pytest.mark.parametrize("name", ["bash", "fish"])
def test_commands_options_and_ids(
    request: pytest.FixtureRequest, place: Place, invoke: Invoke, name: str
) -> None:
    complete: Complete = request.getfixturevalue(name)
    made = invoke("edit", place.photo, "make it warmer", "--json").json["session_id"]
    assert set(complete("thinkedit se")) == {"serve", "sessions"}
    assert {"show", "resume", "rebuild"} <= set(complete("thinkedit sessions "))
    assert complete("thinkedit edit --sel") == ["--select"]
    assert complete("thinkedit sessions show ") == [made]
    assert complete(f"thinkedit view {made[:6]}") == [made]
    assert complete("thinkedit view nothing-begins-so") == []


@pytest.fixture
def zsh(place: Place, settings: dict[str, str], install: Callable[[str], None]) -> Iterator[Complete]:
    """A zsh at a terminal: it completes nowhere else. What a line becomes is what it then holds."""
    program = shell("zsh")
    install(program)
    import pty

    rc = place.folder / "home" / ".zshrc"
    # Ask nothing, draw nothing, and write the line that stands there when Ctrl-X Ctrl-W is typed.
    rc.write_text(
        f"ZLE_RPROMPT_INDENT=0\nPS1='> '\nunsetopt LIST_BEEP\n{rc.read_text()}\ncompinit -u\n"
        'shown() { print -r -- "[[$BUFFER]]" >&2; BUFFER=; }\nzle -N shown\nbindkey "^X^W" shown\n'
        "print READY\n"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(place.folder)
        os.execve(program, [program, "-i"], settings)
    seen = ""

    def until(pattern: str) -> re.Match[str]:
        nonlocal seen
        end = time.monotonic() + 60
        while (found := re.search(pattern, seen)) is None:
            assert select.select([terminal], [], [], max(end - time.monotonic(), 0))[0], seen
            seen += os.read(terminal, 4096).decode(errors="replace")
        seen = seen[found.end() :]
        return found

    def complete(line: str) -> list[str]:
        os.write(terminal, f"{line}\t\x18\x17".encode())
        return until(r"\[\[(.*?)\]\]")[1].split()[-1:]

    try:
        until("READY")
        yield complete
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def test_zsh_at_a_terminal(place: Place, invoke: Invoke, zsh: Complete) -> None:
    made = invoke("edit", place.photo, "make it warmer", "--json").json["session_id"]
    zsh("thinkedit ")  # the first one in a shell only loads the function
    assert zsh("thinkedit sess") == ["sessions"]
    assert zsh("thinkedit edit --sel") == ["--select"]
    assert zsh(f"thinkedit view {made[:6]}") == [made]
    assert zsh("thinkedit sessions pru") == ["prune"]

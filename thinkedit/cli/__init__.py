"""The command line: `thinkedit edit photo.jpg "make it warmer"`, and what belongs to it.

Commands import what they need when they run, so that `--help` and `--version` answer at once.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line with this process's arguments, and exit with its code."""
    import sys

    try:
        from thinkedit.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before or after the commands, which have their own ways
        code = 130
    sys.exit(code)

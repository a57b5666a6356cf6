"""What a host of MCP bundles starts: `thinkedit serve` with the folders that the user chose.

Hosts write a choice of several folders as arguments of their own, and leave the `${user_config.NAME}` of what
was not chosen as it stands, or empty. `--allow` takes one folder, and wants a real one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def serve_arguments(given: Sequence[str]) -> list[str]:
    """What `thinkedit` takes: `--allow A B` is `--allow A --allow B`; an option without a value goes."""
    arguments = ["serve"]
    option = ""
    for text in given:
        if text.startswith("--"):
            option = text
        elif text.strip() and not text.startswith("${user_config."):
            arguments += [option, text]
    return arguments


if __name__ == "__main__":
    from thinkedit.cli import main

    sys.argv[1:] = serve_arguments(sys.argv[1:])
    main()

"""Log lines for machines: one JSON object a line, with what is known of the work at hand.

    {"time":"2026-11-25T23:26:51.042Z","level":"info","logger":"thinkedit.sessions","message":"session began",
     "session_id":"20261125-0a1b2c3d4e5f","caller":"ada","trace_id":"…","span_id":"…"}

`exception` holds a traceback, in the same line. What must not stand in a log is taken out of every value.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from thinkedit.server.watching.telling import session_at_hand, trace_at_hand

__all__ = ["ACCESS", "JsonLines", "log_as_json"]

ACCESS = "thinkedit.access"
"""The logger of one line a request; its records carry `fields`."""

_LONGEST = 8_000
_LONGEST_EXCEPTION = 30_000


class JsonLines(logging.Formatter):
    """hide: takes out of a text what must not be shown. who: the caller at hand, or empty."""

    def __init__(self, hide: Callable[[str], str], who: Callable[[], str] = lambda: "") -> None:
        super().__init__()
        self._hide = hide
        self._who = who

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": when.replace("+00:00", "Z"),  # RFC 3339
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._shown(record.getMessage(), _LONGEST),
        }
        trace_id, span_id = trace_at_hand()
        known = {
            "session_id": session_at_hand(),
            "caller": self._shown(self._who(), 200),
            "trace_id": trace_id,
            "span_id": span_id,
        }
        line |= {name: value for name, value in known.items() if value}
        for name, value in getattr(record, "fields", {}).items():
            line[name] = self._shown(value, _LONGEST) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[0] is not None:
            text = "".join(traceback.format_exception(*record.exc_info))
            line["exception"] = self._shown(text, _LONGEST_EXCEPTION)
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str)

    def _shown(self, text: str, longest: int) -> str:
        hidden = self._hide(text[: 4 * longest])
        return hidden if len(hidden) <= longest else f"{hidden[: longest - 1]}…"


def log_as_json(
    hide: Callable[[str], str], who: Callable[[], str] = lambda: "", stream: TextIO | None = None
) -> None:
    """Write everything that this process logs to `stream` (standard error) as JSON, and nothing else there.

    Our own loggers speak from INFO on, the libraries' from WARNING on. Warnings and what ends the process
    are log lines too.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(hide, who))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("thinkedit", ACCESS):
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _ended


def _ended(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    logging.getLogger("thinkedit").critical("the process ends by an error", exc_info=(kind, error, trace))

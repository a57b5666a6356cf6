"""The page as one file: template, style, script and data, under a policy that lets nothing else in.

Prompts and critiques come from models and users: they travel as JSON with every `<` escaped, and the script
puts them in as text.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["app_page", "content_security_policy", "live_page", "session_page"]


def session_page(data: dict[str, Any]) -> str:
    """The whole page of what `page_data` gave; it loads nothing from anywhere."""
    return _page({"result": data}, str(data["instruction"]))


def live_page(title: str, address: str) -> str:
    """The page that asks `address` (a path of the same server) for its data until the session has ended."""
    return _page({"live": address}, title, connect="'self'")


def app_page() -> str:
    """The page for hosts of MCP Apps, which hand it the tool's result."""
    return _page({"host": True}, "thinkedit")


def content_security_policy(connect: str = "'none'") -> str:
    """Nothing but the page's own style and script, by their hashes, and pictures that lie in it."""
    style, script = _hash(_part("view.css")), _hash(_part("view.js"))
    return (
        f"default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def _page(given: dict[str, Any], title: str, connect: str = "'none'") -> str:
    data = json.dumps(given).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    parts = {
        "%CSP%": content_security_policy(connect),
        "%TITLE%": html.escape(f"{title[:80]} - thinkedit"),
        "%CSS%": _part("view.css"),
        "%JS%": _part("view.js"),
        "%DATA%": data,
    }
    page = _part("view.html")
    before, rest = page.split("%CSP%")
    made = [before, parts["%CSP%"]]
    for mark in ("%TITLE%", "%CSS%", "%DATA%", "%JS%"):
        before, rest = rest.split(mark)
        made += [before, parts[mark]]
    return "".join([*made, rest])


@cache
def _part(name: str) -> str:
    return files("thinkedit.page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

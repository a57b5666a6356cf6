"""`/sessions` of the HTTP server: the newest sessions, and each as a page that follows it while it runs."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from thinkedit.page import content_security_policy, live_page, page_data
from thinkedit.server.callers import caller
from thinkedit.tools.think import owned_session

if TYPE_CHECKING:
    from thinkedit.ledger import Session
    from thinkedit.server.lifetime import RunnerSource

__all__ = ["add_page_routes"]

_NEWEST = 50
_LIST_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def add_page_routes(app: Starlette, source: RunnerSource) -> None:
    async def listing(request: Request) -> Response:
        async with source.use() as runner:
            newest = await runner.ledger.sessions(caller(), _NEWEST)
        return HTMLResponse(_listing(newest), headers={**_HEADERS, "Content-Security-Policy": _LIST_POLICY})

    async def page(request: Request) -> Response:
        session = await _session(source, request.path_params["session_id"])
        made = live_page(session.instruction, f"/sessions/{session.session_id}/data")
        policy = content_security_policy("'self'") + "; frame-ancestors 'none'"
        return HTMLResponse(made, headers={**_HEADERS, "Content-Security-Policy": policy})

    async def data(request: Request) -> Response:
        session = await _session(source, request.path_params["session_id"])
        async with source.use() as runner:
            result = await runner.result(session.session_id)
            judged = sum(turn.critique is not None for turn in result.turns)
            tag = f'"{result.status}-{len(result.turns)}-{judged}-{result.selected_turn}-{session.leg}"'
            headers = {**_HEADERS, "ETag": tag}
            if tag == request.headers.get("if-none-match"):
                return Response(status_code=304, headers=headers)
            made = await run_sync(page_data, runner.store, result)
        return JSONResponse(made, headers=headers)

    app.router.routes.append(Route("/sessions", listing))
    app.router.routes.append(Route("/sessions/{session_id}", page))
    app.router.routes.append(Route("/sessions/{session_id}/data", data))


async def _session(source: RunnerSource, session_id: str) -> Session:
    async with source.use() as runner:
        return await owned_session(runner, session_id, caller())


def _listing(sessions: list[Session]) -> str:
    rows = "".join(
        f'<li><a href="/sessions/{html.escape(one.session_id)}">{html.escape(one.instruction[:200])}</a>'
        f"<br><small>{html.escape(_state(one))}, {html.escape(one.session_id)}</small></li>"
        for one in sessions
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sessions - thinkedit</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><style>'
        ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:0 auto;"
        "padding:1.25rem 1rem}ul{list-style:none;padding:0}li{padding:.6rem 0;border-top:1px solid #8886;"
        "overflow-wrap:anywhere}</style></head><body><main><h1>Sessions</h1>"
        f"{f'<ul>{rows}</ul>' if rows else '<p>There are no sessions yet.</p>'}</main></body></html>"
    )


def _state(session: Session) -> str:
    reason = session.stop_reason.value if session.stop_reason else session.status.value
    return reason.replace("_", " ")

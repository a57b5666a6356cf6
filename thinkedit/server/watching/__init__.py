"""Being watched: health, metrics, traces and log lines of a server.

telling.py      what a log line may say of the work at hand
redacting.py    what none may say
logs.py         log lines as JSON
metrics.py      Prometheus (extra `watch`)
tracing.py      OpenTelemetry (its exporters: extra `watch`)
requests.py     what is noted of each HTTP request and tool call
health.py       whether this server can work
routes.py       /healthz, /readyz, /metrics
setting_up.py   all of it together, for one server process
"""

from __future__ import annotations

from thinkedit.server.watching.setting_up import Watching

__all__ = ["Watching"]

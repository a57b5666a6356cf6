"""A safety check made of a function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from anyio.to_thread import run_sync

from thinkedit.adapters.base import Safety, SafetyRequest, SafetyVerdict
from thinkedit.errors import SettingsError, ThinkerFailed

__all__ = ["CalledSafety", "Check", "as_safety"]

Answer = SafetyVerdict | bool
Check = Callable[[SafetyRequest], Answer | Awaitable[Answer]]
"""A function of the request that gives a verdict, or True for allowed and False for refused."""


class CalledSafety:
    """Asks a function, async or not; one that is not runs in a thread.

    identity: the function's own `identity` where it has one, else its module and name. A check whose rules
    change should have one that changes with them, since verdicts are recorded under it.
    """

    def __init__(self, check: Check, name: str | None = None) -> None:
        self.check_function = check
        self.identity = str(getattr(check, "identity", None) or f"python({name or target_of(check)})")

    async def review(self, request: SafetyRequest) -> SafetyVerdict:
        check = self.check_function
        if inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(type(check).__call__):
            answer = check(request)
        else:
            answer = await run_sync(check, request)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, bool):
            return SafetyVerdict(answer)
        if isinstance(answer, SafetyVerdict):
            return answer
        raise ThinkerFailed(
            f"the safety check {self.identity} answered with {type(answer).__name__}: "
            "return a SafetyVerdict, True or False",
            retryable=False,
        )


def target_of(check: object) -> str:
    """`module:name`, by which a function of a module can be found again."""
    named = check if hasattr(check, "__qualname__") else type(check)
    return f"{named.__module__}:{named.__qualname__}"


def as_safety(given: Safety | Check) -> Safety:
    """A safety check as it is, or made of a function. SettingsError for anything else."""
    if isinstance(given, Safety):
        return given
    if callable(given) and not isinstance(given, type):
        return CalledSafety(given)
    raise SettingsError(
        f"a safety check is {type(given).__name__}: give a function of a SafetyRequest, or an object with "
        "`identity` and `review`"
    )

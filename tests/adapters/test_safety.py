"""Safety checks by name and by function."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.adapters.test_protocol import ONE_PIXEL
from thinkedit.adapters.base import Safety, SafetyRequest, SafetyVerdict
from thinkedit.adapters.models import Models
from thinkedit.adapters.safety import CalledSafety, as_safety, create_safety
from thinkedit.adapters.safety.scripted import ScriptedSafety
from thinkedit.errors import SettingsError, ThinkerFailed
from thinkedit.images import Picture

HERE = "tests.adapters.test_safety"
PICTURE = Picture.from_bytes(ONE_PIXEL)


def asked(stage: Any = "prompt", prompt: str = "warmer") -> SafetyRequest:
    return SafetyRequest(stage, "make it warm", prompt, PICTURE)


def short(request: SafetyRequest) -> SafetyVerdict:
    return SafetyVerdict(len(request.prompt) < 10, "too long")


async def waits(request: SafetyRequest) -> bool:
    await anyio.lowlevel.checkpoint()
    return request.prompt != "x"


class Strict:
    def __init__(self, most: int = 3) -> None:
        self.identity = f"strict {most}"
        self.most = most

    async def review(self, request: SafetyRequest) -> SafetyVerdict:
        return SafetyVerdict(len(request.prompt) <= self.most)


class Callable:
    async def __call__(self, request: SafetyRequest) -> bool:
        return False


NOTHING = 7


@pytest.mark.anyio
@pytest.mark.parametrize("name", [f"python:{HERE}:short", f"python:{HERE}.short"])
async def test_a_function_named_in_the_configuration(name: str) -> None:
    safety = create_safety(name)
    assert await safety.review(asked()) == SafetyVerdict(True, "too long")
    assert not (await safety.review(asked(prompt="x" * 10))).allowed
    assert safety.identity == f"python({HERE}:short)"


@pytest.mark.anyio
async def test_an_async_function_and_an_object_that_is_called() -> None:
    assert (await as_safety(waits).review(asked())).allowed
    assert not (await as_safety(waits).review(asked(prompt="x"))).allowed
    assert not (await as_safety(Callable()).review(asked())).allowed
    assert not (await as_safety(lambda request: waits(request)).review(asked(prompt="x"))).allowed


@pytest.mark.anyio
async def test_a_class_is_made_with_the_options_of_its_block() -> None:
    models = Models({"guard": {"kind": f"python:{HERE}:Strict", "most": 6}})
    guard = models.safety("guard")
    assert guard is models.safety("guard")
    assert guard.identity == "strict 6"
    assert (await guard.review(asked())).allowed
    assert as_safety(guard) is guard


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [None, "allowed", 1, 0, (True, "fine"), {"allowed": True}])
async def test_what_is_no_verdict_never_allows(answer: object) -> None:
    with pytest.raises(ThinkerFailed, match="return a SafetyVerdict, True or False"):
        await CalledSafety(lambda request: answer, "checks").review(asked())  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        ("python", {}, "missing a required argument: 'model'"),
        ("python:", {}, "names no model after the colon"),
        ("python:short", {}, "write package.module:function"),
        ("python:no_such_module_at_all:short", {}, "cannot be imported"),
        (f"python:{HERE}:nobody", {}, "is not there"),
        (f"python:{HERE}:NOTHING", {}, "is int: name a function or a class"),
        (f"python:{HERE}:short", {"most": 3}, "takes no option 'most'"),
        (f"python:{HERE}:Strict", {"least": 3}, "unexpected keyword argument 'least'"),
        ("scriptde", {}, "unknown safety check 'scriptde': did you mean 'scripted'"),
        ("scripted", {"wrods": []}, "unknown option 'wrods' of safety check 'scripted'"),
        ("scripted", {"words": "blood"}, "give a list of words"),
    ],
)
def test_what_cannot_be_made_is_one_clear_line(name: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why) as error:
        create_safety(name, options)
    assert "\n" not in str(error.value)


@pytest.mark.anyio
async def test_the_scripted_one_goes_by_words() -> None:
    safety = create_safety("scripted", {"words": ["Blood"], "image_words": ["red"]})
    assert isinstance(safety, Safety)
    for stage, prompt, allowed in (
        ("prompt", "add BLOOD", False),
        ("prompt", "red", True),
        ("image", "red", False),
        ("image", "blood", True),
        ("instruction", "blood", True),  # of the instruction, which is another text, only its own words count
    ):
        assert (await safety.review(asked(stage, prompt))).allowed is allowed, (stage, prompt)
    assert ScriptedSafety(["a"]).identity != ScriptedSafety(["b"]).identity


def test_a_check_that_is_brought_gets_a_name_of_its_own() -> None:
    models = Models()
    assert models.adopt_safety(short) == models.adopt_safety(short) == f"python:{HERE}:short"
    one, two = (lambda request: True), (lambda request: False)
    names = [models.adopt_safety(check) for check in (one, two, one)]
    assert names[0] == names[2] != names[1]
    assert not any(name.startswith("python:") for name in names)
    assert models.safety(names[1]) is not models.safety(names[0])

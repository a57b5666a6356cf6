"""Drawing by a generator of one's own follows the checkpoint's limits, and the seed alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.models import needed

pytestmark = pytest.mark.models
torch = needed("torch")
needed("transformers")

from thinkedit.adapters.local.placement import Machine  # noqa: E402
from thinkedit.adapters.thinkers.transformers.load import _room  # noqa: E402
from thinkedit.adapters.thinkers.transformers.sampling import drawn  # noqa: E402


def config(**limits: Any) -> Any:
    return SimpleNamespace(**{"top_k": None, "top_p": None, "min_p": None, **limits})


def tokens(seed: int, temperature: float = 1.0, count: int = 400, **limits: Any) -> list[int]:
    scores = torch.tensor([[3.0, 2.0, 1.0, -torch.inf, 0.0]])
    draw = drawn(seed, temperature, config(**limits))
    return [int(draw(None, scores).argmax()) for _ in range(count)]


def test_a_seed_draws_the_same_again_whatever_else_draws() -> None:
    first = tokens(1)
    torch.manual_seed(9)
    before = torch.get_rng_state()
    assert tokens(1) == first != tokens(2)
    assert torch.equal(torch.get_rng_state(), before)


def test_tokens_come_as_often_as_they_are_likely() -> None:
    drawn_tokens = tokens(1, count=4000)
    expected = torch.tensor([3.0, 2.0, 1.0, -torch.inf, 0.0]).softmax(0)
    for token, share in enumerate(expected.tolist()):
        assert drawn_tokens.count(token) / 4000 == pytest.approx(share, abs=0.03)
    assert 3 not in drawn_tokens, "what a constraint forbids is never drawn"


@pytest.mark.parametrize(
    ("limits", "left"),
    [({"top_k": 1}, {0}), ({"top_k": 2}, {0, 1}), ({"top_p": 0.8}, {0, 1}), ({"min_p": 0.3}, {0, 1})],
)
def test_the_checkpoints_limits_hold(limits: dict[str, Any], left: set[int]) -> None:
    assert set(tokens(3, **limits)) == left


@pytest.mark.parametrize(("limits", "most"), [({}, 50), ({"top_k": 0}, 80)])
def test_where_a_checkpoint_says_nothing_the_library_s_limit_holds(limits: dict[str, Any], most: int) -> None:
    draw = drawn(1, 1.0, config(**limits))
    scores = -0.001 * torch.arange(80.0).repeat(1, 1)
    seen = {int(draw(None, scores).argmax()) for _ in range(2000)}
    assert seen == set(range(most))


def test_a_low_temperature_draws_the_likeliest() -> None:
    assert set(tokens(3, temperature=0.05)) == {0}


def test_what_is_offloaded_stays_on_the_gpu_that_was_named() -> None:
    machine = Machine("cuda:1", "a GPU", total=24_000, free=10_000, host_free=50_000)
    assert _room(machine) == {1: 9_200, "cpu": 46_000}

"""One critique out of several: means, the speaker, the majority, and what is left out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from thinkedit.graph.averaging import combined
from thinkedit.types import Critique, CritiqueState, Usage


def look(
    semantic: float | None, quality: float | None = None, text: str = "", *, stop: bool = False
) -> Critique:
    quality = semantic if quality is None else quality
    return Critique(
        semantic=semantic,
        quality=quality,
        stop=stop,
        reasoning=text,
        next_prompt=f"do {text}",
        raw=f"raw {text}",
    )


def broken(state: CritiqueState = CritiqueState.UNPARSEABLE) -> Critique:
    return Critique(state=state, reasoning="the answer has no score", raw="mumble")


def test_scores_are_means_and_the_text_is_of_the_look_nearest_to_them() -> None:
    mean = combined([look(2, 4, "low"), look(9, 10, "high"), look(7, 7, "middle")])
    assert (mean.semantic, mean.quality) == (6, 7)
    assert (mean.reasoning, mean.next_prompt, mean.raw) == ("middle", "do middle", "raw middle")
    assert mean.state is CritiqueState.SCORED


def test_of_equally_near_looks_the_first_speaks() -> None:
    assert combined([look(4, text="first"), look(6, text="second")]).reasoning == "first"


def test_a_single_look_stays_as_it_is() -> None:
    for one in (look(7, text="a"), broken()):
        assert combined([one]) is one


def test_stopping_takes_more_than_half() -> None:
    yes, no = look(9, text="yes", stop=True), look(5, text="no")
    assert not combined([yes, no]).stop
    assert combined([yes, no]).next_prompt == "do no"
    assert combined([yes, no, yes]).stop
    assert combined([yes, no, yes]).reasoning == "yes"
    assert not combined([yes, no, no]).satisfied(8)


def test_experts_without_scores_decide_by_their_marks() -> None:
    yes, no = (Critique(stop=stop, reasoning=str(stop), next_prompt="x") for stop in (True, False))
    mean = combined([no, yes, yes])
    assert (mean.stop, mean.semantic, mean.overall, mean.reasoning) == (True, None, None, "True")


def test_a_look_without_a_critique_is_left_out_and_told() -> None:
    mean = combined([broken(), look(6, text="a"), broken(CritiqueState.FAILED), look(8, text="b")])
    assert (mean.semantic, mean.state) == (7, CritiqueState.SCORED)
    assert mean.reasoning == "a (2 of 4 looks gave no critique and are left out.)"


def test_no_critique_at_all_is_none() -> None:
    mean = combined([broken(CritiqueState.FAILED), broken()])
    assert mean.state is CritiqueState.FAILED
    assert mean.reasoning == "none of 2 looks gave a critique; the first: the answer has no score"
    assert not mean.satisfied(0)


def test_tokens_are_added_up_over_all_looks() -> None:
    def spent(one: Critique, read: int, written: int) -> Critique:
        return one.model_copy(update={"usage": Usage(input_tokens=read, output_tokens=written)})

    mean = combined([spent(look(5), 10, 1), spent(broken(), 20, 2), look(6)])
    assert mean.usage == Usage(input_tokens=30, output_tokens=3)
    assert combined([look(5), look(6)]).usage is None


scores = st.floats(0, 10).map(lambda value: round(value, 2))
looks = st.lists(
    st.one_of(
        st.builds(look, scores, scores, st.text(max_size=3), stop=st.booleans()),
        st.just(broken()),
        st.builds(Critique, stop=st.booleans()),
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(looks)
def test_the_mean_lies_between_and_nothing_passes_that_no_look_would_let_pass(
    given_looks: list[Critique],
) -> None:
    mean = combined(given_looks)
    good = [one for one in given_looks if one.state is CritiqueState.SCORED]
    assert (mean.state is CritiqueState.SCORED) == bool(good)
    for name in ("semantic", "quality"):
        values = [value for one in good if (value := getattr(one, name)) is not None]
        found = getattr(mean, name)
        assert (found is None) == (not values)
        if values:
            assert min(values) - 1e-6 <= found <= max(values) + 1e-6
    if not any(one.satisfied(8) for one in given_looks) and mean.satisfied(8):
        # Only where scores that are high in different looks meet; no single score rises above the highest.
        assert max(one.semantic or 0 for one in good) >= 8
        assert max(one.quality or 0 for one in good) >= 8

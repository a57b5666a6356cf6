"""What the editing feedback of a GRPO step costs beside the models: 8 answers to each of 16 prompts.

Method: a scripted editor that takes 0.5 s for an image and a scripted judge that takes 0.3 s, eight slots
each. Timed is all from 128 texts and the paths of 16 PNG files (a megapixel, 1 MB, new to each step) to three
lists of rewards, as TRL calls the functions. The editor hands out pictures that were coded before, a fresh
one each time, so that no work of an editor's stands in the time; no two answers are equal, so that nothing
comes from the cache. The bound is what a perfect pipeline needs: sixteen rounds of edits and the last
judgement. *Bare* is a task for each answer that calls the same models and does nothing else, in turn with the
steps: it says how busy the machine was. *With faults*: 30 % of the edits fail each time, are tried once more
and fail again, 5 % hang until their limit of 2 s; that bound is for edits packed without a gap. *Again* is a
batch that the cache knows. Goal: at most 1.1 of the bound.

    python benchmarks/edit_feedback.py [N]        # the median of N steps, 3 by default; about a minute
"""

from __future__ import annotations

import itertools
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from thinkedit.adapters.base import EditedImage, EditRequest, JudgeRequest
from thinkedit.adapters.behaviour import Fault
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.judges.scripted import ScriptedJudge
from thinkedit.adapters.models import Models
from thinkedit.errors import EditorFailed
from thinkedit.images import Picture
from thinkedit.training.edit_feedback import EditFeedback, FeedbackConfig
from thinkedit.training.grpo_rewards import make_reward_functions
from thinkedit.training.next_step import Kind
from thinkedit.training.rewards import RewardConfig
from thinkedit.types import Judgement

PROMPTS, GENERATIONS, SLOTS, SIDE = 16, 8, 8, 1024
EDIT, JUDGE, LIMIT = 0.5, 0.3, 2.0
COUNT = PROMPTS * GENERATIONS
BOUND = COUNT / SLOTS * EDIT + JUDGE
GOAL = 1.1
JUDGEMENT = Judgement(semantic=7, quality=8)


def calibration() -> float:
    """Milliseconds that a fixed loop takes, the median of 15."""
    seconds = []
    for _ in range(15):
        start = time.perf_counter()
        sum(number * number for number in range(200_000))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1000


def sources(folder: Path, steps: int) -> list[list[str]]:
    """Files for each step, of noise that does not code well."""
    draw = np.random.default_rng(0)
    paths = []
    for number in range(steps * PROMPTS):
        small = draw.integers(0, 256, (SIDE // 2, SIDE // 2, 3), np.uint8)
        path = folder / f"{number}.png"
        path.write_bytes(Picture.from_pixels(small.repeat(2, axis=0).repeat(2, axis=1)).data)
        paths.append(str(path))
    return [paths[PROMPTS * step :][:PROMPTS] for step in range(steps)]


def fresh(data: bytes) -> Callable[[EditRequest], Picture]:
    """Pictures that differ in a few bytes after their last chunk, without coding each."""
    numbers = itertools.count()

    def picture(request: EditRequest) -> Picture:
        return Picture.from_bytes(data + next(numbers).to_bytes(8, "big"))

    return picture


def batch(pictures: list[str], step: int) -> dict[str, Any]:
    """What TRL hands over; the answers to a prompt stand together."""
    text = '<think>{}</think><score>{{"semantic": 4, "quality": 6}}</score><answer>{}</answer>'
    reason = "The cup is still blue, and the saucer has changed although nobody asked for that. " * 8
    said = [text.format(reason, f"make the cup red, {step}.{number}") for number in range(COUNT)]
    rows = [pictures[number // GENERATIONS] for number in range(COUNT)]
    return {
        "completions": [[{"role": "assistant", "content": one}] for one in said],
        "source": rows,
        "edited": rows,
        "instruction": ["make the cup red"] * COUNT,
        "previous_prompt": ["make the cup red"] * COUNT,
        "semantic": [4.0] * COUNT,
        "quality": [6.0] * COUNT,
    }


def faulty(_: int, request: EditRequest) -> Fault | None:
    """By the number of the answer: 38 of 128 fail, 6 hang."""
    number = int(request.prompt.rpartition(".")[2]) * 37 % COUNT
    return "hang" if number < 6 else EditorFailed("out of memory") if number < 44 else None


def opened(**editor: Any) -> EditFeedback:
    models = Models(
        editors={"e": ScriptedEditor(latency=EDIT, slots=SLOTS, **editor)},
        judges={"j": ScriptedJudge(lambda _: JUDGEMENT, latency=JUDGE, slots=SLOTS)},
    )
    config = FeedbackConfig(edits_at_once=SLOTS, judgements_at_once=SLOTS, edit_timeout=LIMIT, retries=1)
    return EditFeedback("e", "j", config, models=models)


def seconds(feedback: EditFeedback, given: dict[str, Any]) -> tuple[float, float]:
    """(elapsed, processor) of one step."""
    functions, _ = make_reward_functions(RewardConfig(), feedback)
    start, processor = time.perf_counter(), time.process_time()
    for function in functions:
        function(**given)
    return time.perf_counter() - start, time.process_time() - processor


def bare(data: bytes) -> float:
    """Seconds of the same calls without anything around them."""
    source = Picture.from_bytes(data)
    editor = ScriptedEditor(latency=EDIT, slots=SLOTS, picture=fresh(data))
    judge = ScriptedJudge(lambda _: JUDGEMENT, latency=JUDGE, slots=SLOTS)

    async def one(number: int) -> None:
        [made] = await editor.edit([EditRequest(source, str(number))])
        assert isinstance(made, EditedImage)
        await judge.judge(JudgeRequest(source, made.picture, "make the cup red"))

    async def all_of_them() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(COUNT):
                tasks.start_soon(one, number)

    start = time.perf_counter()
    anyio.run(all_of_them)
    return time.perf_counter() - start


def main() -> int:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    logging.disable(logging.WARNING)  # which tells of the faults that are meant
    print(f"calibration loop: {calibration():.1f} ms")
    with tempfile.TemporaryDirectory(prefix="thinkedit-feedback-") as name:
        pictures = sources(Path(name), 2 * steps)
        image = Path(pictures[0][0]).read_bytes()
        with opened(picture=fresh(image)) as feedback:
            whole, plain = [], []
            for step in range(steps):
                plain.append(bare(image))
                whole.append(seconds(feedback, batch(pictures[step], step)))
            assert feedback.counts == {Kind.JUDGED: steps * COUNT}, feedback.counts
            again = min(seconds(feedback, batch(pictures[0], 0))[0] for _ in range(3))
            assert feedback.calls["edits"] == steps * COUNT, feedback.calls
        with opened(picture=fresh(image), faults=faulty) as feedback:
            others = [seconds(feedback, batch(pictures[step], step))[0] for step in range(steps, 2 * steps)]
            broken = statistics.median(others)
            assert feedback.counts == {
                Kind.JUDGED: 84 * steps,
                Kind.EDIT_FAILED: 38 * steps,
                Kind.EDIT_LATE: 6 * steps,
            }, feedback.counts
    alone = statistics.median(plain)
    took = statistics.median(elapsed for elapsed, _ in whole)
    processor = statistics.median(used for _, used in whole)
    busy = (84 + 2 * 38) * EDIT + 6 * LIMIT
    bound = busy / SLOTS
    print(f"{COUNT} answers, {SLOTS} slots each, edit {EDIT} s, judgement {JUDGE} s, {SIDE} x {SIDE} pixels")
    print(f"step: {took:.2f} s, {took / BOUND:.3f} of the bound of {BOUND:.2f} s (goal {GOAL})")
    print(f"bare: {alone:.2f} s, {alone / BOUND:.3f} of the bound; the step is {took / alone:.3f} of that")
    print(f"with faults: {broken:.2f} s, {broken / bound:.3f} of the bound of {bound:.2f} s")
    print(f"again, from the cache: {1000 * again:.0f} ms")
    print(f"processor: {1000 * processor / COUNT:.1f} ms an answer")
    good = took <= GOAL * BOUND
    print(f"goal: {'met' if good else 'missed'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

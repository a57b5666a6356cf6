"""Trains a tiny thinker from random weights in the proving ground, and measures what it learns.

    python scripts/learn                     # one seed: base, SFT, GRPO, the loop on held-out scenes
    python scripts/learn --seeds 3 --page    # three seeds and the ablations; writes docs/learning.md

Method: data by `thinkedit dataset` (a perfect expert, the middle editor), a model of Qwen3-VL's classes with
1.6 million random parameters, `thinkedit train sft` and `thinkedit train grpo` with
`recipes/provingground`, then the ordinary loop with the result. Everything is a simulation. What is there
already in `--folder` is not made again, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from learn import page
from learn.base import make_base
from learn.measures import Shown, critic, held_out, images_of, one_edit, sessions, thinker
from learn.results import Measured, read, write
from learn.runs import RECIPES, command, each_seed, make_data
from thinkedit.provingground import NOTICE
from thinkedit.provingground.rates import EDITORS

ABLATIONS = {
    "without edit reward": ("reward.alpha=0.4", "reward.beta=0.6", "reward.gamma=0.0"),
    "without critic reward": ("reward.alpha=0.3", "reward.beta=0.0", "reward.gamma=0.7"),
}
"""The weight of what is left out goes to the others in proportion."""

TRAINED_ON = "middle"
SCENES_SEED = 101
"""Of held-out scenes that no choice of a recipe was made by."""
MODEL = "config.json"


class Learn:
    """One seed's folder: `base`, `sft`, `grpo`, the ablations, and what was measured of each."""

    def __init__(self, folder: Path, data: Path, seed: int, scenes: int, say: Callable[[str], None]) -> None:
        self.folder, self.data, self.seed, self.say = folder, data, seed, say
        self.scenes = held_out(scenes, SCENES_SEED)

    @cached_property
    def shown(self) -> list[Shown]:
        """The images that every critic is asked about."""
        return images_of(self.scenes, TRAINED_ON)

    def base(self) -> None:
        if not (self.folder / "base" / MODEL).exists():
            count = make_base(self.data / "sft_train.json", self.folder / "base", self.seed)
            self.say(f"== base: {count:,} random parameters")

    def sft(self, steps: int | None) -> None:
        if not (self.folder / "sft" / MODEL).exists():
            self.say("== SFT: expert steps")
            self._train("sft", "base", "sft", steps, [f"data={self.data / 'sft_train.json'}"])

    def grpo(self, steps: int | None, name: str = "grpo", changes: tuple[str, ...] = ()) -> None:
        if not (self.folder / name / MODEL).exists():
            self.say(f"== GRPO{'' if name == 'grpo' else ' ' + name}: editing feedback")
            self._train("grpo", "sft", name, steps, [f"data={self.data / 'rl_train.jsonl'}", *changes])

    def measure(self, name: str, editors: tuple[str, ...], drawn: tuple[str, ...]) -> Measured:
        """Of a trained model, in the loop with `editors`; with `drawn` its answers are sampled as well.

        Drawn answers are made one by one and take the most time. `no thinker` is one edit.
        """
        path = self.folder / "measured" / f"{name}.json"
        if path.exists() and (kept := read(path)).sampled.keys() >= set(drawn):
            return kept
        self.say(f"== measuring: {name}")
        if name == "no thinker":
            ended = {editor: one_edit(self.scenes, editor) for editor in editors}
            write(path, Measured(greedy=ended, sampled=ended))
        else:
            make = partial(thinker, self.folder / name, RECIPES / "template.txt")
            answers = critic(make, self.shown, TRAINED_ON)
            loops = [
                {editor: sessions(self.scenes, editor, partial(make, temperature)) for editor in which}
                for temperature, which in ((0.0, editors), (1.0, drawn))
            ]
            write(path, Measured(answers, *loops))
        return read(path)

    def _train(self, method: str, model: str, name: str, steps: int | None, more: list[str]) -> None:
        changes = [*self._changes(model, name, steps), *more]
        options = [part for change in changes for part in ("--set", change)]
        resume = ["--resume"] if any((self.folder / name).glob("checkpoint-*")) else []
        command(["train", method, RECIPES / f"{method}.toml", *options, *resume], self.say)

    def _changes(self, model: str, name: str, steps: int | None) -> list[str]:
        made = [f"model={self.folder / model}", f"output={self.folder / name}", f"seed={self.seed}"]
        return made if steps is None else [*made, f"max_steps={steps}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="models from different random weights"
    )
    parser.add_argument("--only", type=int, metavar="SEED", help="one of them, and no page")
    parser.add_argument(
        "--at-once", type=int, default=os.cpu_count() or 1, metavar="N", help="seeds side by side"
    )
    parser.add_argument("--folder", type=Path, default=Path("out/learn"), metavar="DIR")
    parser.add_argument(
        "--sources", type=int, default=8000, metavar="N", help="scenes that the data is made of"
    )
    parser.add_argument(
        "--scenes", type=int, default=200, metavar="N", help="held-out scenes that are measured"
    )
    for what in ("sft", "grpo"):
        parser.add_argument(f"--{what}-steps", type=int, metavar="N", help="instead of the recipe's")
    parser.add_argument(
        "--ablations",
        action="store_true",
        help="GRPO without edit and without critic reward, for the first seed",
    )
    parser.add_argument("--page", action="store_true", help="write docs/learning.md; includes the ablations")
    given = parser.parse_args()

    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{(time.monotonic() - begun) / 60:5.1f} min  {text}", flush=True)

    say(NOTICE)
    folder = given.folder.absolute()
    data = folder / "data"
    if not (data / "rl_train.jsonl").exists():
        say("== data")
        make_data(data, given.sources, say)
    seeds = range(given.seeds) if given.only is None else [given.only]
    if (at_once := min(given.at_once, len(seeds))) > 1:
        each_seed(seeds, at_once, sys.argv[1:])
    editors = (TRAINED_ON, *(name for name in EDITORS if name != TRAINED_ON))
    drawn = editors if given.page else editors[:1]
    found: dict[str, list[Measured]] = {}
    for seed in seeds:
        one = Learn(folder / str(seed), data, seed, given.scenes, say)
        one.base()
        one.sft(given.sft_steps)
        one.grpo(given.grpo_steps)
        found.setdefault("no thinker", []).append(one.measure("no thinker", editors, editors))
        found.setdefault("base", []).append(one.measure("base", (), ()))
        for name in ("sft", "grpo"):
            found.setdefault(name, []).append(one.measure(name, editors, drawn))
        if given.page or given.ablations:
            for name, changes in ABLATIONS.items() if seed == 0 else ():
                one.grpo(given.grpo_steps, name, changes)
                found.setdefault(name, []).append(one.measure(name, drawn[:1], drawn[:1]))
    print()
    for line in page.tables(found, editors):
        print(line)
    if given.page and given.only is None:
        say(str(page.write(folder, found, editors, one.shown)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

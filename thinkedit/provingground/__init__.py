"""A small simulated world in which right and wrong are known: for tests of what the loop achieves.

Pictures of a few things on a patterned background (`samples`), editors that fail as real ones do, a judge
that knows what is right, and an expert. Pictures and texts are all that passes between them.
"""

from __future__ import annotations

from thinkedit.provingground.decoding import decode
from thinkedit.provingground.drawing import render
from thinkedit.provingground.samples import TASKS, WorldSample, samples

__all__ = ["NOTICE", "TASKS", "WorldSample", "decode", "render", "samples"]

NOTICE = (
    "Simulation: pictures, editors, expert and judge are those of the proving ground, a made-up world; "
    "no image model took part, and nothing here says how good a real one is."
)
"""To be printed wherever results of the proving ground are."""

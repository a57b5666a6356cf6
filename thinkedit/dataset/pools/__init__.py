"""Pools of sources: the data sets of pictures and instructions that trajectories are made of.

`read_pool("sharegpt-4o-image", "folder", count=40_000)` gives a `Pool`, whose `items()` the pipeline takes.
"""

from __future__ import annotations

from thinkedit.dataset.pools.layouts import KINDS
from thinkedit.dataset.pools.reading import Pool, read_pool

__all__ = ["KINDS", "Pool", "read_pool"]

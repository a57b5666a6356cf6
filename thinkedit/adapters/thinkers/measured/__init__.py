"""The `measured` thinker: judges by measuring pixels; no model, no GPU, no download.

Reading order: `thinker` (what is asked); `targets` with one file for each group of operations (what should
become measurable); `damage` (what should stay); `verdict`, `words`, `remedy` (what is answered);
`measures` and `colour` (pure functions of arrays).
"""

from thinkedit.adapters.thinkers.measured.thinker import MeasuredThinker

__all__ = ["MeasuredThinker"]

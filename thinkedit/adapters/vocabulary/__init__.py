"""The words that the `photo` editor and the `measured` thinker share: one table, one grammar.

`parse` turns a sentence into clauses or refuses it whole; `phrase` turns clauses into a sentence that
`parse` reads back as the same clauses; `OPERATIONS` is the table of what there is.
"""

from thinkedit.adapters.vocabulary.clause import Clause, with_amount
from thinkedit.adapters.vocabulary.grammar import parse
from thinkedit.adapters.vocabulary.operations import GROUPS, OPERATIONS, STOPS, TONE_REGIONS, Operation
from thinkedit.adapters.vocabulary.phrasing import phrase

__all__ = [
    "GROUPS",
    "OPERATIONS",
    "STOPS",
    "TONE_REGIONS",
    "Clause",
    "Operation",
    "parse",
    "phrase",
    "with_amount",
]

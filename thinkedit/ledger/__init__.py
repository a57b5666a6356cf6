"""Sessions, their turns, leases and recorded model calls, in a SQLite file or in a PostgreSQL database.

The ledger is an index: pictures and turn records lie in the store under their hashes. It answers which
sessions there are, who runs one now, and which model calls have been paid for already.
"""

from thinkedit.ledger.ledger import Ledger
from thinkedit.ledger.rows import Call, Session, Spent, TurnEntry

__all__ = ["Call", "Ledger", "Session", "Spent", "TurnEntry"]

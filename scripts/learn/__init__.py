"""Shows that a tiny thinker learns in the proving ground: `python scripts/learn`, or `make learn`."""

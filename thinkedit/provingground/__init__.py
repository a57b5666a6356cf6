"""A small simulated world in which right and wrong are known."""

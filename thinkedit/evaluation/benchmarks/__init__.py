"""The four benchmarks of the paper, and the small world's."""

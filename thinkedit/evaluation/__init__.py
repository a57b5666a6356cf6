"""The four benchmarks of the paper and its ablations."""

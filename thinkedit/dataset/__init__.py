"""The THINKEDIT pipeline: trajectories, scores, filters, samples, sets for SFT and RL (paper, section 4)."""

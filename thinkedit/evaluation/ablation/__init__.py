"""The paper's ablations in one command: thinking pattern, turns, experts, and which turn is taken."""

"""Training the thinker: SFT on expert steps, then GRPO on what the editor makes of its prompts."""

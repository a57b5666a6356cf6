"""Tiny checkpoints of real model classes, one module for each family of text encoder or pipeline."""

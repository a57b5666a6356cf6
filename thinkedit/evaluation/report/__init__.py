"""Runs and ablations as a page: one document, written as a self-contained HTML file and as Markdown."""

"""A report's folder: `index.html`, which needs nothing beside it, and `report.md` with its pictures."""

from __future__ import annotations

from pathlib import Path

from thinkedit.errors import StoreError
from thinkedit.evaluation.report.document import Document
from thinkedit.evaluation.report.html import html_page
from thinkedit.evaluation.report.markdown import markdown
from thinkedit.journal import replace_file

__all__ = ["write_report"]


def write_report(document: Document, folder: Path) -> list[Path]:
    """Write both; returns their paths, the page first. An earlier report's files are replaced. StoreError."""
    page, text = folder / "index.html", folder / "report.md"
    made = markdown(document)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in made.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        replace_file(page, [html_page(document)])
        replace_file(text, [made.text])
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    return [page, text]

"""The `photo` editor: real photographic operations, asked for in words; see `table.py` for what there is."""

from thinkedit.adapters.editors.photo.editor import PhotoEditor

__all__ = ["PhotoEditor"]

"""Pictures in, pictures out: check, decode, normalise, preview and save.

`load` takes whatever a caller names (a path, bytes, a `data:` or `file:` URI, a Pillow image), refuses
what cannot be used in one line, and gives a `Picture`: one encoded PNG, or JPEG where it came as one,
upright, 8 bits a channel, RGB or RGBA, with the ICC profile and the capture date and nothing else of its
metadata. `save` writes one in the format of the file's ending.
"""

from __future__ import annotations

from thinkedit.images.files import ENDINGS, ending_for, free_name, save, stem_for
from thinkedit.images.intake import ImageInput, ImageLimits, Loaded, load
from thinkedit.images.picture import Picture

__all__ = [
    "ENDINGS",
    "ImageInput",
    "ImageLimits",
    "Loaded",
    "Picture",
    "ending_for",
    "free_name",
    "load",
    "save",
    "stem_for",
]

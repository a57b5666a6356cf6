"""Makes docs/gallery.md and its pictures: what the built-in pair does with the example photographs.

    make gallery

Every instruction of gallery/cases.py is run through `think_edit` with default settings, in a data folder that
is thrown away. The results are measured a second time by gallery/yardstick.py, laid out by gallery/sheets.py
and written up by gallery/page.py. The same code gives the same files: nothing is left to chance, no time is
printed.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import anyio
from gallery.cases import CASES, cases
from gallery.page import page
from gallery.readme_picture import SHOWN, readme_picture
from gallery.sessions import Entry, run
from gallery.sheets import contact_sheet, write_jpeg

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ROOT / "examples" / "photos"
DOCS = ROOT / "docs"


def photograph(name: str) -> Path:
    return next(path for path in sorted(PHOTOS.iterdir()) if path.stem == name and path.suffix != ".md")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("photos", nargs="*", help="only these; the page needs all")
    chosen: list[str] = arguments.parse_args().photos or list(CASES)
    images = DOCS / "images"
    images.mkdir(parents=True, exist_ok=True)
    entries: dict[str, list[Entry]] = {}
    for photo in chosen:
        with tempfile.TemporaryDirectory() as data:
            entries[photo] = anyio.run(run, photograph(photo), cases(photo), Path(data))
        sheet = images / f"gallery-{photo}.jpg"
        write_jpeg(contact_sheet(entries[photo]), sheet)
        size = sheet.stat().st_size // 1000
        print(f"{sheet.relative_to(ROOT)}: {len(entries[photo])} instructions, {size} kB")
    photo, instruction = SHOWN
    if photo in entries:
        picture = images / "turns.png"
        readme_picture(next(e for e in entries[photo] if e.case.instruction == instruction), picture)
        print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size // 1000} kB")
    if len(chosen) < len(CASES):
        return
    (DOCS / "gallery.md").write_text(page(entries), encoding="utf-8")
    print("docs/gallery.md")


if __name__ == "__main__":
    main()

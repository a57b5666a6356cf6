"""What `scripts/gallery.py` is made of: instructions, their targets, the yardstick, sheets and the page."""

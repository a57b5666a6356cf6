"""Image editors that think while they edit. See README.md."""

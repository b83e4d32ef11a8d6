"""The exact bytes of a zip archive, its entry names and its manifest (pure)."""

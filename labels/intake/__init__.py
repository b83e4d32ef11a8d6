"""Bytes become a checked, hashed, deduplicated Photo: the only way a photo is created."""

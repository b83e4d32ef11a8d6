"""The embedded detector: facts from pixels and EXIF, and scenes by a small linear model. No network."""

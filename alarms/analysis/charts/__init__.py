"""A metric, its band and what happened, as an SVG and as rows for those who read."""

"""A band of expected values for a series, made from its own past."""

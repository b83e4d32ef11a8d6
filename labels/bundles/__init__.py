"""A selection becomes archives, chunk by chunk: planned, requested, built, and removed after its time."""

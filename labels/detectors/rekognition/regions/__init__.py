"""Which Region may be called when, and whether it may be paid for: no call without a permit."""

"""Names and phone numbers as values: when two are the same, and how they are written (pure)."""

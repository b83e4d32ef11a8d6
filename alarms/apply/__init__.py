"""A plan is prepared, confirmed and carried out; mutes are made and ended."""

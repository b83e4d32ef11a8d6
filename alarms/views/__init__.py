"""Pages for staff. Each needs its permission; for everyone else they do not exist."""

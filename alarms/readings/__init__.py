"""Measurements: stored, kept for their time, and read as alarms see them."""

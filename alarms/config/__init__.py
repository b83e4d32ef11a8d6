"""Rows of the configuration become definitions, and definitions become rows."""

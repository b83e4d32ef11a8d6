"""Notify people and topics of changes of state."""

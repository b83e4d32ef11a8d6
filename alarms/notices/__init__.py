"""People and topics are notified of changes of state."""

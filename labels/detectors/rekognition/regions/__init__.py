"""Which Region may be called when: its quota, what a throttle changes, and what a call may cost."""

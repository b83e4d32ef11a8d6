"""The doctor: rules that find what is wrong with an alarm, a runner over all alarms, fixes by one click."""

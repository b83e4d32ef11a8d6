"""Outcomes told to people: by mail, to an SNS topic, by text message."""

"""Notify people how downloads ended: by mail, to an SNS topic, by SMS."""

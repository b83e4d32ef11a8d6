"""A set's alarms for other tools, from what `alarms.config.configuration.load` returns (pure)."""

from alarms.config.export.cloudformation import cloudformation
from alarms.config.export.document import document
from alarms.config.export.terraform import terraform

__all__ = ["cloudformation", "document", "terraform"]

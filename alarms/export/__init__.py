"""A set's alarms for other tools, from what `alarms.configuration.load` returns (pure)."""

from alarms.export.cloudformation import cloudformation
from alarms.export.document import document
from alarms.export.terraform import terraform

__all__ = ["cloudformation", "document", "terraform"]

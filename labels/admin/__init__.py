"""The admin: a module a noun; tables.py for rows that need no code. What an edit would break is read-only."""

from labels.admin import bundle, label, phone, photo, queue, region, rule, tables

__all__ = ["bundle", "label", "phone", "photo", "queue", "region", "rule", "tables"]

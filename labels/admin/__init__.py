"""The admin: one module a noun. What an edit here would break is read-only."""

from labels.admin import bundle, label, phone, photo, region, rule, tables

__all__ = ["bundle", "label", "phone", "photo", "region", "rule", "tables"]

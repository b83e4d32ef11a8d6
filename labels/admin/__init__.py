"""The admin: a module a noun, tables.toml where options say it all. What an edit would break is read-only."""

from labels.admin import bundle, label, phone, photo, region, rule, tables

__all__ = ["bundle", "label", "phone", "photo", "region", "rule", "tables"]

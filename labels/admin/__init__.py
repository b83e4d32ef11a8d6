"""The admin: one module a noun. What an edit here would break is read-only."""

from labels.admin import bundle, detection, direct_upload, label, phone, photo, region, rule, sweep_failure

__all__ = [
    "bundle",
    "detection",
    "direct_upload",
    "label",
    "phone",
    "photo",
    "region",
    "rule",
    "sweep_failure",
]

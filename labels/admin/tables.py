"""Register what tables.toml describes."""

import tomllib
from pathlib import Path

from django.apps import apps
from django.contrib import admin

from photomgr.read_only_admin import PartAdmin, ReadOnlyAdmin

_CLASSES = {"ReadOnlyAdmin": ReadOnlyAdmin, "PartAdmin": PartAdmin, "ModelAdmin": admin.ModelAdmin}
_FILTERS = {"owner": admin.RelatedOnlyFieldListFilter, "missing_reason": admin.EmptyFieldListFilter}

for _class, _tables in tomllib.loads(Path(__file__).with_name("tables.toml").read_text()).items():
    for _model, _options in _tables.items():
        _filters = [
            (name, _FILTERS[name]) if name in _FILTERS else name for name in _options.pop("list_filter", ())
        ]
        admin.site.register(
            apps.get_model("labels", _model), _CLASSES[_class], list_filter=_filters, **_options
        )

from django.contrib import admin


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that steps write and people read: an edit would make a count, a cache or a plan untrue."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class NoAddAdmin(admin.ModelAdmin):
    """Rows that are born elsewhere; the admin may act on them and delete them."""

    def has_add_permission(self, request, obj=None):
        return False

    def get_readonly_fields(self, request, obj=None):
        return [field.name for field in self.model._meta.fields if field.name not in self.editable]

    editable: tuple[str, ...] = ()

from django.contrib import admin


class Undeletable:
    def has_delete_permission(self, request, obj=None):
        return False


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that steps write and people read: an edit would make a count, a cache or a plan untrue."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False


class PartAdmin(ReadOnlyAdmin):
    """Rows that go with what they belong to, a photo, a download or a person, and never alone."""

    def has_delete_permission(self, request, obj=None):
        # The pages of photos and people ask this too, before they take these rows along.
        return not request.resolver_match.url_name.startswith(
            f"{self.opts.app_label}_{self.opts.model_name}_"
        )


class NoAddAdmin(admin.ModelAdmin):
    """Rows that are created elsewhere; the admin may act on them and delete them."""

    editable: tuple[str, ...] = ()

    def has_add_permission(self, request, obj=None):
        return False

    def get_readonly_fields(self, request, obj=None):
        kept = [field.name for field in self.model._meta.fields if field.name not in self.editable]
        return [*kept, *self.readonly_fields]

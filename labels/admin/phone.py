from django.contrib import admin

from labels.models import Phone, PhoneCode
from photomgr.read_only_admin import ReadOnlyAdmin


@admin.register(Phone)
class PhoneAdmin(ReadOnlyAdmin):
    """Nobody needs to know another person's number: a part of it tells one row from the next."""

    list_display = ("owner", "part_of_number", "wanted", "verified_at", "trouble")
    list_filter = ("wanted", ("trouble", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("owner__username",)
    fields = list_display

    @admin.display(description="number")
    def part_of_number(self, phone):
        return str(phone)


@admin.register(PhoneCode)
class PhoneCodeAdmin(ReadOnlyAdmin):
    """Deleted by hand when somebody has used up the codes they may request."""

    list_display = ("owner", "created_at", "tries", "is_waiting")
    list_select_related = ("owner",)
    search_fields = ("owner__username",)
    fields = list_display

    @admin.display(description="waits to be typed", boolean=True)
    def is_waiting(self, code):
        return bool(code.number)

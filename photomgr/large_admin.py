from django.core.paginator import Paginator
from django.utils.functional import cached_property

MOST = 10_000


class CappedPaginator(Paginator):
    """Counts no further than MOST: to count millions of rows takes longer than to show a page of them."""

    @cached_property
    def count(self):
        return self.object_list.order_by()[:MOST].count()


class LargeTable:
    """The admin of a table that may have millions of rows. Its filters and searches are to use an index."""

    paginator = CappedPaginator
    show_full_result_count = False
    ordering = ("-pk",)

    def changelist_view(self, request, extra_context=None):
        subtitle = f"The newest, at most {MOST:,}. Search or filter to find others."
        return super().changelist_view(request, {"subtitle": subtitle, **(extra_context or {})})

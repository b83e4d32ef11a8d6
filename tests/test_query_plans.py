"""Each query that a large library asks often finds its rows by the index that is named after it."""

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labels.models import BundlePhoto, PhotoSummary
from labels.selection.library import library
from photomgr.large_admin import LargeTable
from tests import factory

pytestmark = pytest.mark.django_db

LARGE = [model for model, options in admin.site._registry.items() if isinstance(options, LargeTable)]


def _plan(queryset):
    """Return how the database finds the rows, were the table large."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A small table it reads as a whole.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    return queryset.explain()


def _changed(owner):
    newer = Q(version__gt=5) | Q(version=5, photo__gt=3)
    rows = PhotoSummary.objects.filter(newer, owner=owner, version__gte=5)
    return rows.order_by("version", "photo")[:100]


@pytest.mark.parametrize(
    ("index", "queryset"),
    [
        ("summary_changed", _changed),
        ("bundle_missing", lambda owner: BundlePhoto.objects.filter(bundle=1).exclude(missing_reason="")),
    ],
)
def test_a_query_uses_the_index_that_is_named_after_it(dan, index, queryset):
    factory.many_photos(dan, 3)

    plan = _plan(queryset(dan))

    assert index in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_a_library_is_read_by_the_index_of_what_changed(dan):
    factory.many_photos(dan, 3)

    with CaptureQueriesContext(connection) as queries:
        library(dan.pk)

    [read] = [query["sql"] for query in queries if 'FROM "labels_photosummary"' in query["sql"]]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{read}"  # noqa: S608 (Django's)
        )
        assert "summary_changed" in str(cursor.fetchall())


@pytest.mark.parametrize("model", LARGE, ids=lambda model: model.__name__)
def test_the_admin_of_a_large_table_counts_no_further_than_it_lists(client, dan, model):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    for photo in factory.many_photos(dan, 2):
        factory.give_labels(photo, "Lake")

    with CaptureQueriesContext(connection) as queries:
        page = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))

    assert page.status_code == 200
    mine = [query["sql"] for query in queries if f'FROM "{model._meta.db_table}"' in query["sql"]]
    assert mine
    assert all("LIMIT 10000" in sql for sql in mine if "COUNT(" in sql)
    # Choices of a filter would be looked for in all rows; failed photos have an index.
    assert all('"status" = ' in sql for sql in mine if "DISTINCT" in sql)
    assert "The newest, at most 10,000." in page.content.decode()

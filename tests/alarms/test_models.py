import pytest
from django.db import IntegrityError, transaction

from alarms.models import AlarmSet, Metric, Series
from tests.alarms import factory

pytestmark = pytest.mark.django_db


def test_a_metric_is_one_whatever_the_order_of_its_dimensions():
    factory.metric(dimensions={"Shop": "Berlin", "Queue": "a"})

    with pytest.raises(IntegrityError), transaction.atomic():
        factory.metric(dimensions={"Queue": "a", "Shop": "Berlin"})

    factory.metric(dimensions={"Queue": "a", "Shop": "Berlin"}, stat="p99")
    assert Metric.objects.count() == 2


def test_series_are_found_again_by_their_dimensions():
    first = Series.objects.named("Shop", "orders", {"b": "2", "a": "1"})

    assert Series.objects.named("Shop", "orders", {"a": "1", "b": "2"}) == first
    assert Series.objects.named("Shop", "orders", {"a": "1"}) != first


@pytest.mark.parametrize("wrong", [{"prefix": ""}, {"false_alarms_per_week": 0}], ids=str)
def test_a_set_has_a_prefix_and_a_budget(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        factory.alarm_set(**wrong)

    assert not AlarmSet.objects.exists()

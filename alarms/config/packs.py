"""Ready guards: for this application's own metrics, an S3 bucket, an SQS queue, an RDS or Aurora instance.

A bound that makes no sense is there and switched off, with the reason: nobody has to wonder.
"""

from dataclasses import dataclass

from alarms.config.guards import Band, Bound, create
from alarms.config.metric_rows import metric_of


@dataclass(frozen=True)
class PackGuard:
    """One guard of a pack. `dimensions` may name the resource: {id}."""

    name: str
    namespace: str
    metric: str
    stat: str
    kind: str
    floor: Bound
    ceiling: Bound
    band: Band = Band()
    dimensions: tuple = ()
    natural_min: float | None = 0.0
    natural_max: float | None = None
    period: int = 60


def _none(reason):
    """Return a bound that is switched off, with its reason."""
    return Bound(0.0, reason, off=True)


def _far_more(than):
    """Return a ceiling that follows what was usual, and begins with a number."""
    return Bound(than, "Far more than ever.", "1.3 x max over 30 d", m=3, n=5)


NO_BAND = Band(off=True, reason="It is nearly always 0: there is no pattern to learn.")
LESS_IS_FINE = _none("Less of it is no trouble.")


def _own(name, metric, stat, kind, floor, ceiling, band=Band(), **more):  # noqa: B008 (frozen)
    return PackGuard(name, "{namespace}", metric, stat, kind, floor, ceiling, band, **more)


def own(regions):
    """Return the watches of this application; throttles for each Region that is used."""
    return [*_own_photos(), *_own_downloads(), *map(_own_throttles, regions)]


def _own_photos():
    idle = _none("Nobody uploads at night; switch it on where somebody always does.")
    return [
        _own("uploads", "PhotosUploaded", "Sum", "count", idle, _far_more(1000)),
        _own("labelled", "PhotosLabelled", "Sum", "count", idle, _far_more(1000)),
        _own(
            "failed-photos",
            "PhotosFailed",
            "Maximum",
            "gauge",
            LESS_IS_FINE,
            Bound(20, "Photos fail, and people wait for labels.", m=3, n=5),
            NO_BAND,
        ),
        _own(
            "queue-age",
            "QueueAge",
            "Maximum",
            "latency",
            LESS_IS_FINE,
            Bound(600, "Photos wait for ten minutes: no worker, or too few.", m=3, n=5, missing="breaching"),
            Band(side="upper"),
        ),
    ]


def _own_downloads():
    return [
        _own(
            "failed-downloads",
            "BundlesFailed",
            "Sum",
            "count",
            LESS_IS_FINE,
            Bound(0, "A download failed.", missing="notBreaching"),
            NO_BAND,
        ),
        _own(
            "download-time",
            "BundleSeconds",
            "Maximum",
            "latency",
            LESS_IS_FINE,
            Bound(1800, "A download took half an hour.", missing="notBreaching"),
            Band(side="upper", off=True, reason="Downloads are too rare to learn from."),
        ),
        _own(
            "spend",
            "Spend",
            "Sum",
            "count",
            LESS_IS_FINE,
            Bound(5, "Five dollars in an hour.", m=1, n=1, missing="notBreaching"),
            Band(side="upper"),
            period=3600,
        ),
    ]


def _own_throttles(region):
    return _own(
        f"throttles-{region}",
        "Throttles",
        "Sum",
        "count",
        LESS_IS_FINE,
        Bound(60, "One call a second is refused: the quota is too high.", m=3, n=5, missing="notBreaching"),
        NO_BAND,
        dimensions=(("Region", region),),
    )


_BUCKET = {"namespace": "AWS/S3", "dimensions": (("BucketName", "{id}"), ("FilterId", "EntireBucket"))}


def _bucket():
    return [*_bucket_use(), *_bucket_errors()]


def _bucket_use():
    return [
        PackGuard(
            name="requests",
            metric="AllRequests",
            stat="Sum",
            kind="count",
            floor=Bound(1, "Nobody reads or writes at all.", m=15, n=15, missing="breaching"),
            ceiling=_far_more(100_000),
            **_BUCKET,
        ),
        PackGuard(
            name="latency",
            metric="FirstByteLatency",
            stat="p99",
            kind="latency",
            floor=LESS_IS_FINE,
            ceiling=Bound(2000, "The slowest hundredth waits two seconds.", m=3, n=5, missing="notBreaching"),
            band=Band(side="upper"),
            **_BUCKET,
        ),
    ]


def _bucket_errors():
    ratio = {"stat": "Average", "kind": "ratio", "natural_max": 1.0, "floor": LESS_IS_FINE}
    amazon = "One request in a hundred fails on Amazon's side."
    refused = "One request in five is refused: a wrong key or permission."
    return [
        PackGuard(
            name="errors-5xx",
            metric="5xxErrors",
            ceiling=Bound(0.01, amazon, m=3, n=5, missing="notBreaching"),
            band=NO_BAND,
            **ratio,
            **_BUCKET,
        ),
        PackGuard(
            name="errors-4xx",
            metric="4xxErrors",
            ceiling=Bound(0.2, refused, m=3, n=5, missing="notBreaching"),
            band=Band(side="upper"),
            **ratio,
            **_BUCKET,
        ),
    ]


def _queue():
    queue = {"namespace": "AWS/SQS", "dimensions": (("QueueName", "{id}"),)}
    return [
        PackGuard(
            name="age",
            metric="ApproximateAgeOfOldestMessage",
            stat="Maximum",
            kind="latency",
            floor=LESS_IS_FINE,
            ceiling=Bound(900, "The oldest message waits a quarter of an hour.", m=3, n=5),
            band=Band(side="upper"),
            **queue,
        ),
        PackGuard(
            name="waiting",
            metric="ApproximateNumberOfMessagesVisible",
            stat="Maximum",
            kind="gauge",
            floor=LESS_IS_FINE,
            ceiling=_far_more(1000),
            **queue,
        ),
        PackGuard(
            name="sent",
            metric="NumberOfMessagesSent",
            stat="Sum",
            kind="count",
            floor=Bound(1, "Nobody sends anything.", m=15, n=15, missing="breaching"),
            ceiling=_far_more(10_000),
            **queue,
        ),
        PackGuard(
            name="deleted",
            metric="NumberOfMessagesDeleted",
            stat="Sum",
            kind="count",
            floor=Bound(1, "Nobody works anything off.", m=15, n=15, missing="breaching"),
            ceiling=_none("More of it is no trouble."),
            **queue,
        ),
    ]


_DATABASE = {"namespace": "AWS/RDS", "dimensions": (("DBInstanceIdentifier", "{id}"),)}


def _database():
    return [*_database_load(), *_database_room()]


def _database_load():
    return [
        PackGuard(
            name="cpu",
            metric="CPUUtilization",
            stat="Average",
            kind="percent",
            natural_max=100.0,
            floor=_none("An idle database is no trouble."),
            ceiling=Bound(90, "Nearly all of its time.", m=10, n=15),
            **_DATABASE,
        ),
        PackGuard(
            name="connections",
            metric="DatabaseConnections",
            stat="Maximum",
            kind="gauge",
            floor=Bound(1, "Nobody is connected: is the application there?", m=5, n=5, missing="breaching"),
            ceiling=_far_more(80),
            **_DATABASE,
        ),
        PackGuard(
            name="read-latency",
            metric="ReadLatency",
            stat="Average",
            kind="latency",
            floor=LESS_IS_FINE,
            ceiling=Bound(0.05, "Reads take 50 ms.", m=3, n=5),
            band=Band(side="upper"),
            **_DATABASE,
        ),
        PackGuard(
            name="write-latency",
            metric="WriteLatency",
            stat="Average",
            kind="latency",
            floor=LESS_IS_FINE,
            ceiling=Bound(0.05, "Writes take 50 ms.", m=3, n=5),
            band=Band(side="upper"),
            **_DATABASE,
        ),
    ]


def _database_room():
    return [
        PackGuard(
            name="memory",
            metric="FreeableMemory",
            stat="Minimum",
            kind="gauge",
            floor=Bound(256 * 1024**2, "Less than 256 MB are left.", m=3, n=5),
            ceiling=_none("More of it is no trouble."),
            band=Band(side="lower"),
            **_DATABASE,
        ),
        PackGuard(
            name="disk",
            metric="FreeStorageSpace",
            stat="Minimum",
            kind="gauge",
            floor=Bound(5 * 1024**3, "Less than 5 GB are left.", m=3, n=5),
            ceiling=_none("More of it is no trouble."),
            band=Band(side="lower"),
            **_DATABASE,
        ),
    ]


RESOURCES = {"s3": _bucket, "sqs": _queue, "rds": _database}
NAMES = ("photomgr", *RESOURCES)


def make(alarm_set, watches, namespace="", resource=""):
    """Create the guards of the watches in a set; return them. What is there already stays as it is."""
    prefix = f"{resource}-" if resource else ""
    return [
        create(
            alarm_set,
            _metric(watch, namespace, resource),
            f"{prefix}{watch.name}"[:100],
            watch.floor,
            watch.ceiling,
            watch.band,
            watch.period,
        )
        for watch in watches
    ]


def _metric(watch, namespace, resource):
    single = {
        "Namespace": watch.namespace.format(namespace=namespace),
        "MetricName": watch.metric,
        "Dimensions": [{"Name": n, "Value": v.format(id=resource)} for n, v in watch.dimensions],
    }
    bounds = {"natural_min": watch.natural_min, "natural_max": watch.natural_max}
    return metric_of(single, watch.stat, kind=watch.kind, **bounds)

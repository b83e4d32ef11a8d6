"""CloudWatch's names, limits and defaults that several steps need; importing them costs nothing."""

from datetime import timedelta

HOUR, DAY, WEEK = 3_600, 86_400, 604_800  # seconds

OK, ALARM, INSUFFICIENT_DATA = STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
# The field of PutMetricAlarm that holds what an alarm does when it enters a state.
ACTION_FIELD_OF = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT_DATA: "InsufficientDataActions"}
ACTION_FIELDS = tuple(ACTION_FIELD_OF.values())

STATIC_OPERATORS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
)
BAND_OPERATORS = {
    "both": "LessThanLowerOrGreaterThanUpperThreshold",
    "lower": "LessThanLowerThreshold",
    "upper": "GreaterThanUpperThreshold",
}
# The side of the band that each of them looks at.
SIDES = {operator: side for side, operator in BAND_OPERATORS.items()}
MISSING_POLICIES = ("breaching", "notBreaching", "ignore", "missing")
LARGEST_VALUE = 2.0**360  # either side of zero

# What CloudWatch takes ANOMALY_DETECTION_BAND(m1) to mean, and what we propose: at 2, bands alarm daily and
# people widen them to 3 afterwards; at 3 the benchmark's F1 is within a hundredth of its best.
K_LEFT_OUT = 2.0
DEFAULT_K = 3.0

# How long datapoints of each period (seconds) are kept; then they are merged into the next one.
RETENTION = ((60, timedelta(days=15)), (300, timedelta(days=63)), (3_600, timedelta(days=455)))

from alarms.models.action import Action
from alarms.models.alarm import Alarm, AlarmAction
from alarms.models.alarm_set import AlarmSet
from alarms.models.delivery import Delivery
from alarms.models.detector import Detector, ExcludedRange
from alarms.models.finding import Finding
from alarms.models.guard import Guard
from alarms.models.local import LocalAlarm, LocalDetector
from alarms.models.metric import Metric
from alarms.models.metric_outbox import MetricOutbox
from alarms.models.mute import Mute
from alarms.models.run import Change, Run
from alarms.models.series import Datapoint, Series
from alarms.models.state import StateChange

"""Which Region may be called when, and whether it may be paid for: no call without a permit.

`pacing` is the arithmetic, `permits` the rows it is kept in, `spending` the budget, `quotas` what
Amazon publishes.
"""

from labels.regions.quotas import follow_settings
from labels.regions.report import calls_a_minute, report, troubles, try_again

__all__ = ["calls_a_minute", "follow_settings", "report", "troubles", "try_again"]

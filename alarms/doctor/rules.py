"""Pure: what is wrong with an alarm, each time with the number that shows it.

A00      it cannot be examined                   A10  1 of 1 on a noisy metric
A01 A02  band without floor, without ceiling
A03      a value that can never alarm            A11  floor that missing data silences
A04      band outside the natural bounds         A13  nobody is notified
A05      k too small for the budget              A14  detector that no alarm uses
A06      k so large that nothing can breach      A16  ratio without a volume guard
A07      a period no band learns                 A17  threshold computed from an old past
A08      no season: static bounds do the same    A18  the pattern changed
A09      too little history
"""

from alarms.doctor import bounds, delivery_rules, noise
from alarms.doctor.context import NOTE, SEVERITIES, Finding

RULES = bounds.RULES + noise.RULES + delivery_rules.RULES


def findings_of(context):
    found = [finding for rule in RULES if (finding := rule(context))]
    return sorted(found, key=lambda finding: (-SEVERITIES.index(finding.severity), finding.code))


def unreadable(why):
    return Finding("A00", NOTE, f"It cannot be examined: {why}")

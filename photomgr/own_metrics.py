"""Where the application's numbers are collected: apps that have some receive `measure`, `alarms` sends it.

A signal, because neither app may import the other, and the one that measures need not know who listens.
"""

from dataclasses import dataclass, field

from django.dispatch import Signal

# Sent with start and end of one minute; receivers return a list of Measurements.
measure = Signal()


@dataclass(frozen=True)
class Measurement:
    """One metric in one minute; `total` marks a counter that only grows, of which the growth is meant."""

    name: str
    values: tuple[float, ...]
    unit: str = "Count"
    dimensions: dict = field(default_factory=dict)
    total: bool = False

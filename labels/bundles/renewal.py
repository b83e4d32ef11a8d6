"""Renew a lease while bytes are copied: about once a second, however small the pieces are."""

import time
from collections.abc import Callable

SECONDS = 1


def once_a_second(act: Callable[[], object]) -> Callable[[], None]:
    """Return a function to be called often, which calls `act` when a second has passed since it last did."""
    last = time.monotonic()

    def act_when_due() -> None:
        nonlocal last
        if time.monotonic() - last > SECONDS:
            last = time.monotonic()
            act()

    return act_when_due

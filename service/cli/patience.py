"""Doing it again while the service is busy."""

import threading
from collections.abc import Callable
from typing import TypeVar

from service.cli.errors import CommandError, TryAgain

T = TypeVar("T")

GIVE_UP_AFTER = 120.0
"""Seconds of waiting before a request that cannot be served ends the command."""

Wait = Callable[[float], bool]
"""Waits so many seconds; true if the wait was broken off."""


class BrokenOff(Exception):
    """The wait for another try was broken off."""


def patiently(
    do: Callable[[], T],
    *,
    wait: Wait = threading.Event().wait,
    also: type[CommandError] = TryAgain,
) -> T:
    """`do()`, again after a pause for as long as it raises TryAgain or `also`.

    The service says how long a pause should be; where it says nothing, pauses double.

    Raises:
        BrokenOff: `wait` said so.
        CommandError: the last one, after GIVE_UP_AFTER seconds in pauses.
    """
    waited = 0.0
    while True:
        try:
            return do()
        except (TryAgain, also) as error:
            pause = error.after if isinstance(error, TryAgain) else max(1.0, waited)
            if waited + pause > GIVE_UP_AFTER:
                raise
        waited += pause
        if wait(pause):
            raise BrokenOff

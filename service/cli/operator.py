"""Who is at the command line, for the audit."""

import getpass

from service.core.access import Actor


def operator() -> Actor:
    """The user of this machine who runs the command."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in many a container
        return Actor("command line")
    return Actor(f"command line: {user}"[:64])

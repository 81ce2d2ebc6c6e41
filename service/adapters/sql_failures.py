"""What a database's failures mean to the service: `busy`, and when to try again."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.core.errors import Busy, Unavailable

# SQLSTATE codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_SOON = frozenset({"40001", "40P01", "53300", "55P03"})
"""Serialisation, deadlock, too many connections, lock not available: another try may do at once."""

_READ_ONLY = "25006"
_NO_TABLE = "42P01"
_DOWN = frozenset({_READ_ONLY, _NO_TABLE})
"""Failures that psycopg does not class as operational: the old primary after a failover, and a
database without its tables (one that is being restored, say)."""


@contextmanager
def explained() -> Iterator[None]:
    """Turns the failures of a database into `Busy` or `Unavailable`, and no other error."""
    try:
        yield
    except PoolTimeout as error:
        raise Busy("Too many requests use the database at once.") from error
    except DBAPIError as error:
        refusal = _meaning(error)
        if refusal is None:
            raise
        raise refusal from error


def _meaning(error: DBAPIError) -> Busy | None:
    state = getattr(error.orig, "sqlstate", None)
    locked = "locked" in str(error.orig) if state is None else state in _SOON
    if locked:
        return Busy("Others hold the database.")
    operational = isinstance(error, OperationalError | InterfaceError)
    if operational or error.connection_invalidated or state in _DOWN:
        return Unavailable("The database cannot be reached or written just now.")
    return None


def leave_old_primary(context: ExceptionContext) -> None:
    """Drop every connection to a server that has become read-only: the primary is elsewhere now."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True

"""Who asks, and what they may do."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from service.core.errors import Forbidden, Unauthorised


class Scope(StrEnum):
    """What a key is for. None contains another: an enrolment desk need not be able to search."""

    READ = "read"
    ENROL = "enrol"
    ADMIN = "admin"


class AccessMode(StrEnum):
    """Who is let in without a key: callers on this very machine, nobody, or everybody."""

    LOOPBACK = "loopback"
    KEYS = "keys"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, in which request.

    `galleries` None means every gallery; `key` is an id, not a secret. Searches for a purpose are
    recorded of everybody, other ones only where `searches_recorded`.
    """

    name: str
    key: str | None = None
    scopes: frozenset[Scope] = frozenset(Scope)
    galleries: frozenset[str] | None = None
    searches_recorded: bool = True
    request_id: str | None = None

    def require_scope(self, *any_of: Scope) -> None:
        """Raises Forbidden unless the actor has one of these; without any, everybody does."""
        if any_of and not self.scopes.intersection(any_of):
            needed = " or ".join(any_of)
            raise Forbidden(f"This needs a key with the scope {needed}.")

    def require_gallery(self, name: str) -> None:
        """Raises Forbidden unless the actor may use the gallery, be there one or not."""
        if self.galleries is not None and name not in self.galleries:
            raise Forbidden(f"This key is not for the gallery {name[:80]!r}.")


SERVICE = Actor("service")
"""The service itself, at start-up and in the background."""

ANYONE = Actor("anyone", searches_recorded=False)
"""A caller without a key, where none is asked for."""

NOBODY = Actor("nobody", scopes=frozenset(), galleries=frozenset())
"""Whoever looks at a public page."""


def no_keys(token: str) -> Actor:
    """Knows no key."""
    raise Unauthorised("This service knows no such key.")


@dataclass(frozen=True, slots=True)
class Access:
    """How callers are let in.

    `authenticate` turns a token into its actor, or raises Unauthorised. `wait` takes one request
    of a key off its allowance and says how many seconds too early it came, 0 where it did not.
    `origins` are the web pages of others that may call; `anyone` is who calls without a key.
    """

    mode: AccessMode = AccessMode.LOOPBACK
    authenticate: Callable[[str], Actor] = no_keys
    wait: Callable[[str], float] = lambda key: 0.0
    origins: tuple[str, ...] = ()
    anyone: Actor = ANYONE


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from its own machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

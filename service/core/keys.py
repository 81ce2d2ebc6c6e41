"""API keys: made, recognised, rotated, revoked. Of a secret only its digest is kept."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from service.core.access import Actor, Scope
from service.core.errors import InvalidRequest, Unauthorised
from service.core.gallery import GALLERY_NAME

TOKEN = re.compile(r"nf_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
"""nf_, a visible prefix that finds the key, and 256 random bits."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")
OVERLAP = timedelta(hours=24)

_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secrets. `prefixes` are the visible parts of those that still work."""

    key: str
    name: str
    scopes: frozenset[Scope]
    galleries: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    prefixes: tuple[str, ...] = ()

    def ended(self, now: datetime) -> str | None:
        """`revoked` or `expired`; None for a key that works."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else None


@dataclass(frozen=True, slots=True)
class Secret:
    """What is kept of a token: enough to recognise it, too little to make it."""

    prefix: str
    digest: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made."""

    name: str
    scopes: frozenset[Scope]
    galleries: frozenset[str] | None
    expires_at: datetime | None


class Keys(Protocol):
    """Where keys are kept. Every method that changes something returns after the commit."""

    def find(self, prefix: str) -> tuple[ApiKey, Secret] | None:
        """The key that has, or had, a secret with this prefix."""

    def list(self) -> list[ApiKey]:
        """Every key ever made, oldest first."""

    def add(self, new: NewKey, secret: Secret) -> ApiKey:
        """Raises Duplicate where a key has, or had, the name."""

    def replace(self, name: str, secret: Secret, until: datetime) -> ApiKey:
        """Give a key a new secret; its others work no longer than `until`. Raises UnknownKey.

        Raises InvalidRequest for a key that works no more.
        """

    def revoke(self, name: str) -> ApiKey:
        """End a key with all its secrets, at once and for good; raises UnknownKey."""


def authenticate(keys: Keys, token: str) -> Actor:
    """Whose token this is; raises Unauthorised, which does not tell what exactly is wrong with it.

    (But for keys that worked once: who holds such a key may know why it works no more.)
    """
    shape = TOKEN.fullmatch(token)
    found = keys.find(shape[1]) if shape else None
    known = hmac.compare_digest(found[1].digest if found else _NO_DIGEST, digest(token))
    if found is None or not known:
        raise Unauthorised("This service knows no such key.")
    key, secret = found
    now = datetime.now(UTC)
    if ended := key.ended(now):
        raise Unauthorised(f"The key {key.name} is {ended}.")
    if secret.expires_at is not None and secret.expires_at <= now:
        raise Unauthorised(f"The key {key.name} has a new secret; this one has expired.")
    return Actor(key.name, key.key, key.scopes, key.galleries)


def create(keys: Keys, new: NewKey) -> tuple[ApiKey, str]:
    """A key and its token, which nobody can tell again; raises Duplicate, InvalidRequest."""
    if not NAME.fullmatch(new.name):
        raise InvalidRequest("A key's name has 1 to 64 letters, digits, spaces and . _ @ -")
    if not new.scopes:
        raise InvalidRequest("A key needs a scope: read, enrol or admin.")
    for gallery in new.galleries or ():
        if not GALLERY_NAME.fullmatch(gallery):
            raise InvalidRequest(f"No gallery can be called {gallery[:80]!r}.")
    return _with_token(lambda secret: keys.add(new, secret))


def rotate(keys: Keys, name: str, overlap: timedelta = OVERLAP) -> tuple[ApiKey, str]:
    """A new token; the old ones work for `overlap` more. Raises UnknownKey, InvalidRequest."""
    until = datetime.now(UTC) + overlap
    return _with_token(lambda secret: keys.replace(name, secret, until))


def digest(token: str) -> str:
    """SHA-256: fast is fine, since 256 random bits cannot be guessed however fast one tries."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _with_token(keep: Callable[[Secret], ApiKey]) -> tuple[ApiKey, str]:
    prefix = secrets.token_hex(6)
    token = f"nf_{prefix}_{secrets.token_urlsafe(32)}"
    return keep(Secret(prefix, digest(token))), token

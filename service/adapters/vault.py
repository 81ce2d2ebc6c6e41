"""Encryption at rest: AES-256-GCM with keys that have names, so that one can follow another.

What is sealed begins with a mark, the key's name and a random nonce; what AES-GCM makes of the
content follows. No vector that is kept plain begins with the mark: as a float32 it is a NaN.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.core.errors import VaultError

MARK = b"NF\xff\xff"
_NONCE = 12
_KEY = 32
_LINE = re.compile(r"([A-Za-z0-9._-]{1,32}):([A-Za-z0-9+/=_-]+)")


class Vault:
    """Seals with the first of its keys and opens with any of them; without keys, all stays plain.

    Content that was kept plain before there was a key is opened as it is.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self.names = tuple(keys)
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}

    def is_current(self, stored: bytes) -> bool:
        """Whether `seal` would use the same key today."""
        return _name(stored) == (self.names[0] if self.names else None)

    def seal(self, plain: bytes, to: str) -> bytes:
        """What to store instead of `plain`; it can be opened as what it is bound `to` only."""
        if not self.names:
            return plain
        name = self.names[0]
        head = MARK + bytes([len(name)]) + name.encode()
        nonce = os.urandom(_NONCE)
        return head + nonce + self._ciphers[name].encrypt(nonce, plain, head + to.encode())

    def open(self, stored: bytes, to: str) -> bytes:
        """What was sealed and bound `to` this; raises VaultError."""
        name = _name(stored)
        if name is None:
            return stored
        if name not in self._ciphers:
            raise VaultError(f"The encryption key {name} is not among those that were given.")
        start = len(MARK) + 1 + len(name)
        head, nonce, sealed = (
            stored[:start],
            stored[start : start + _NONCE],
            stored[start + _NONCE :],
        )
        try:
            return self._ciphers[name].decrypt(nonce, sealed, head + to.encode())
        except (InvalidTag, ValueError):
            raise VaultError(
                f"What was encrypted with the key {name} was changed or moved since, or that key "
                "is another one now."
            ) from None


PLAIN = Vault({})
"""Keeps all plain."""


def read_keys(text: str) -> dict[str, bytes]:
    """`NAME:BASE64` for each key, apart by white space; raises VaultError, which echoes no key."""
    keys: dict[str, bytes] = {}
    for number, word in enumerate(text.split(), 1):
        line = _LINE.fullmatch(word)
        if line is None:
            raise VaultError(f"Encryption key {number} is not NAME:BASE64.")
        name, encoded = line.groups()
        try:
            key = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
        except binascii.Error:
            raise VaultError(f"The encryption key {name} is not in base64.") from None
        if len(key) != _KEY:
            raise VaultError(f"The encryption key {name} has {len(key)} bytes instead of {_KEY}.")
        if name in keys:
            raise VaultError(f"There are two encryption keys called {name}.")
        keys[name] = key
    return keys


def _name(stored: bytes) -> str | None:
    """Name of the key that sealed this; None where it is plain."""
    if not stored.startswith(MARK):
        return None
    length = stored[len(MARK)] if len(stored) > len(MARK) else 0
    return stored[len(MARK) + 1 : len(MARK) + 1 + length].decode("ascii", "replace")

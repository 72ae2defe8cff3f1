"""API keys: how they are made and what is kept of them."""

import secrets
from hashlib import sha256
from typing import Final

_KEY_BYTES: Final = 64


def new_key() -> str:
    """Return a fresh key: 86 URL-safe characters, as the cloud's own."""
    return secrets.token_urlsafe(_KEY_BYTES)


def hash_key(key: str) -> str:
    """Return what is stored of a key: its SHA-256, in hex.

    A plain hash is enough: a key is 512 random bits, so there is nothing to guess.
    """
    return sha256(key.encode()).hexdigest()

"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8124


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where a server listens, and how it answers.

    `rate_limit` is in requests a minute and key, `None` for any number. With a `certificate` (PEM)
    it speaks TLS; `private_key` may be in the same file.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    rate_limit: float | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    access_log: bool = False

"""The options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

HIGHEST_PORT: Final = 65_535


def greater_than_zero(value: float | None) -> float | None:
    """Refuse a number that is not greater than 0."""
    if value is not None and not value > 0:
        raise typer.BadParameter("must be greater than 0")
    return value


HostOption = Annotated[str, typer.Option(help="The address to listen on.")]
PortOption = Annotated[
    int, typer.Option(min=0, max=HIGHEST_PORT, help="The port; 0 takes a free one.")
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Where the data is kept, e.g. sqlite:///cloud.sqlite or postgresql://HOST/NAME. "
        "Default: a file in the user's data folder.",
    ),
]
RateLimitOption = Annotated[
    float | None,
    typer.Option(
        metavar="PER_MINUTE",
        help="Requests a minute and key. Default: any.",
        callback=greater_than_zero,
    ),
]
CertificateOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Speak TLS with this certificate (PEM, with its whole chain)."
    ),
]
PrivateKeyOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="The certificate's private key (PEM), if it is not in the same file."
    ),
]
AccessLogOption = Annotated[
    bool, typer.Option("--access-log", help="Log every request, without its key.")
]


def default_database() -> str:
    """Return the URL of a file in the user's data folder, which is made if it is missing."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    folder = Path(home) / "onemeter"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{folder / 'cloud.sqlite'}"

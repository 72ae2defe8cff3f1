"""What goes wrong is told in one line."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError

from onemeter_server.serve import CertificateError
from onemeter_server.storage.migrate import DatabaseVersionError

if TYPE_CHECKING:
    from collections.abc import Coroutine


def complete(work: Coroutine[None, None, None]) -> None:
    """Run a command to its end; tell the user what went wrong in one line."""
    # Where the loop cannot handle signals (Windows), Ctrl-C arrives as this exception.
    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(work)
        except (SQLAlchemyError, ModuleNotFoundError) as error:
            fail(f"The database cannot be used: {str(error).splitlines()[0]}")
        except DatabaseVersionError as error:
            fail(f"The database cannot be used: {error}")
        except CertificateError as error:
            fail(f"The certificate cannot be used: {error}")
        except OSError as error:
            fail(f"The server cannot start: {error}")


def fail(message: str) -> NoReturn:
    """End the command with a message and the exit code 1."""
    typer.echo(message, err=True)
    raise typer.Exit(1)

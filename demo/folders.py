"""Where a run of the demo keeps its files: a fresh folder, removed when the run succeeded."""

import contextlib
import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
"""The root of the repository."""

BASE: Final = ROOT / ".demo"
"""The folder of all runs; git ignores it."""

_LOCK: Final = ".lock"
_PREFIX: Final = "run-"


@contextlib.contextmanager
def fresh_folder(base: Path = BASE) -> Iterator[Path]:
    """Give a new folder, and remove it at the end if no exception ended the block.

    Runs can go on side by side. What an earlier run left behind is removed first, so the logs of a
    run that failed are there until the next one.
    """
    base.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        with _locked(base / _LOCK, fcntl.LOCK_EX):
            _remove_abandoned(base)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
            stack.enter_context(_locked(folder / _LOCK, fcntl.LOCK_EX))
        yield folder
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(base: Path) -> None:
    """Remove the folders of runs that are over: nobody holds their locks."""
    for folder in base.glob(f"{_PREFIX}*"):
        with (
            contextlib.suppress(BlockingIOError),
            _locked(folder / _LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB),
        ):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, how)
        yield

"""Lets the test package run with a Home Assistant that is newer than the package: a pytest plugin.

`scripts/test-newest` loads it before the package (`-p`), which looks for one function where it was
in 2026.10, and imports httpx before Home Assistant could put httpx2 in its place. To be deleted
when a test package for Home Assistant 2026.11 is released and pinned in requirements/newest.txt.
"""

import homeassistant.components.logger
from homeassistant.components.logger import helpers

homeassistant.components.logger._clear_logger_overwrites = helpers._clear_logger_overwrites  # noqa: SLF001

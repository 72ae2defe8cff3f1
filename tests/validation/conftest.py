"""What the checks read: the integration's source and its English texts."""

from typing import Any

import pytest

from .files import INTEGRATION, translation
from .flows import Flow, flows_of
from .sources import Package


@pytest.fixture(scope="session")
def package() -> Package:
    """Give the integration's modules; its library tells nobody anything."""
    return Package.read(INTEGRATION, "custom_components.onemeter", "history")


@pytest.fixture(scope="session")
def english() -> dict[str, Any]:
    """Give the English texts."""
    return translation("en")


@pytest.fixture(scope="session")
def flows(package: Package) -> list[Flow]:
    """Give what the integration's flows show."""
    return flows_of(package)

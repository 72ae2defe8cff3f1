"""What an account's entry holds while it is loaded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry

if TYPE_CHECKING:
    from .coordinator import OneMeterCoordinator
    from .history.importer import HistoryImporter


@dataclass(frozen=True, slots=True, kw_only=True)
class OneMeterData:
    """The parts of an account that is running.

    `coordinator` asks the cloud for its devices; `history`, which keeps their statistics, is there
    while Home Assistant's recorder is.
    """

    coordinator: OneMeterCoordinator
    history: HistoryImporter | None


type OneMeterConfigEntry = ConfigEntry[OneMeterData]

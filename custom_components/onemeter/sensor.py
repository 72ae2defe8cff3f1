"""Sensors: the registers that a device reports, and what the cloud says about it."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfReactiveEnergy,
    UnitOfTemperature,
)

from .entity import OneMeterEntity, add_as_they_appear
from .onemeter_cloud import OBIS_POWER, REGISTERS, Quantity, Register, Usage
from .onemeter_cloud.parsing import JSON, as_number, as_register, as_text, is_no_value
from .onemeter_cloud.series import energy_codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .coordinator import DeviceState, OneMeterCoordinator
    from .data import OneMeterConfigEntry
    from .history.importer import HistoryImporter

    type Value = str | float | datetime | None

PARALLEL_UPDATES = 0

_LONGEST_STATE: Final = 255
_SECONDS_PER_DAY: Final = 86400


@dataclass(frozen=True, kw_only=True)
class OneMeterSensorDescription(SensorEntityDescription):
    """A sensor: where its value comes from and which devices have it.

    `value_fn` and `present_fn` get the device's state and whether the transformer ratio applies.
    """

    value_fn: Callable[[DeviceState, bool], Value]
    present_fn: Callable[[DeviceState], bool]
    translation_placeholders: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How a quantity of the register catalogue is shown."""

    device_class: SensorDeviceClass | None = None
    state_class: SensorStateClass | None = None
    unit: str | None = None
    precision: int | None = None


_KINDS: Final[Mapping[Quantity, _Kind]] = MappingProxyType(
    {
        Quantity.ENERGY: _Kind(
            device_class=SensorDeviceClass.ENERGY,
            state_class=SensorStateClass.TOTAL_INCREASING,
            unit=UnitOfEnergy.KILO_WATT_HOUR,
            precision=2,
        ),
        Quantity.REACTIVE_ENERGY: _Kind(
            device_class=SensorDeviceClass.REACTIVE_ENERGY,
            state_class=SensorStateClass.TOTAL_INCREASING,
            unit=UnitOfReactiveEnergy.KILO_VOLT_AMPERE_REACTIVE_HOUR,
            precision=2,
        ),
        Quantity.POWER: _Kind(
            device_class=SensorDeviceClass.POWER,
            state_class=SensorStateClass.MEASUREMENT,
            unit=UnitOfPower.KILO_WATT,
            precision=2,
        ),
        Quantity.DEMAND: _Kind(
            device_class=SensorDeviceClass.POWER,
            state_class=SensorStateClass.MEASUREMENT,
            unit=UnitOfPower.KILO_WATT,
            precision=2,
        ),
        Quantity.CUMULATIVE_DEMAND: _Kind(
            device_class=SensorDeviceClass.POWER, unit=UnitOfPower.KILO_WATT, precision=2
        ),
        Quantity.VOLTAGE: _Kind(
            device_class=SensorDeviceClass.VOLTAGE,
            state_class=SensorStateClass.MEASUREMENT,
            unit=UnitOfElectricPotential.VOLT,
            precision=1,
        ),
        Quantity.CURRENT: _Kind(
            device_class=SensorDeviceClass.CURRENT,
            state_class=SensorStateClass.MEASUREMENT,
            unit=UnitOfElectricCurrent.AMPERE,
            precision=2,
        ),
        Quantity.TEMPERATURE: _Kind(
            device_class=SensorDeviceClass.TEMPERATURE,
            state_class=SensorStateClass.MEASUREMENT,
            unit=UnitOfTemperature.CELSIUS,
            precision=1,
        ),
        Quantity.BATTERY_VOLTAGE: _Kind(
            device_class=SensorDeviceClass.VOLTAGE,
            state_class=SensorStateClass.MEASUREMENT,
            unit=UnitOfElectricPotential.VOLT,
            precision=2,
        ),
        Quantity.COUNT: _Kind(state_class=SensorStateClass.TOTAL_INCREASING, precision=0),
        Quantity.TIME_OF_DAY: _Kind(),
        Quantity.TIMESTAMP: _Kind(device_class=SensorDeviceClass.TIMESTAMP),
        Quantity.TEXT: _Kind(),
        Quantity.LIST: _Kind(),
    }
)

_OF_STATISTICS: Final = frozenset(energy_codes(None))

_DIAGNOSTIC: Final = frozenset(
    {
        "battery_voltage",
        "corrected_time",
        "internal_value",
        "meter_clock",
        "meter_date",
        "meter_error_code",
        "meter_family",
        "meter_id_number",
        "meter_serial_number",
        "optical_port_address",
        "optical_settings",
        "reader_temperature",
        "readout_time",
        "readouts_failed",
        "readouts_failed_since_restart",
        "readouts_succeeded",
        "status_flags",
    }
)
_DISABLED: Final = frozenset(
    {
        "corrected_time",
        "cumulative_maximum_demand",
        "demand_absolute",
        "demand_import",
        "energy_blinks",
        "internal_value",
        "meter_clock",
        "meter_date",
        "meter_family",
        "meter_id_number",
        "optical_port_address",
        "optical_settings",
        "reactive_export_tariff",
        "reactive_import_tariff",
        "reactive_r1_tariff",
        "reactive_r2",
        "reactive_r2_tariff",
        "reactive_r3",
        "reactive_r3_tariff",
        "reactive_r4_tariff",
        "readout_time",
        "readouts_failed",
        "readouts_failed_since_restart",
        "readouts_succeeded",
        "status_flags",
    }
)


def _text(value: JSON) -> str | None:
    """Return what a text sensor shows of a register: lists become their elements."""
    if is_no_value(value):
        return None
    if isinstance(value, list):
        value = ", ".join(text for element in value if (text := as_text(element)) is not None)
    text = as_text(value)
    return text[:_LONGEST_STATE] if text is not None else None


def _time_of_day(value: JSON) -> str | None:
    """Return the seconds of a day as a clock shows them, anything else as the text that it is."""
    seconds = as_number(value)
    if seconds is None or not 0 <= seconds < _SECONDS_PER_DAY:
        return _text(value)
    return str(timedelta(seconds=int(seconds))).zfill(len("00:00:00"))


def _register_value(register: Register) -> Callable[[DeviceState, bool], Value]:
    """Return the function that reads a register as its quantity asks for."""
    code = register.code
    match register.quantity:
        case Quantity.TEXT | Quantity.LIST:
            return lambda state, _: _text(state.device.last_reading.values.get(code))
        case Quantity.TIME_OF_DAY:
            return lambda state, _: _time_of_day(state.device.last_reading.values.get(code))
        case Quantity.TIMESTAMP:
            return lambda state, _: state.device.last_reading.instant(code)
        case _:
            return lambda state, multiply: state.device.number(code, multiply=multiply)


def _register_sensor(register: Register) -> OneMeterSensorDescription:
    """Return the sensor of a register of the catalogue."""
    kind = _KINDS[register.quantity]
    # Of what stands in an exact statistic, the Energy dashboard must not offer the sensor as well.
    has_statistic = register.code in _OF_STATISTICS
    return OneMeterSensorDescription(
        key=register.code,
        translation_key=register.key,
        translation_placeholders={"variant": register.variant} if register.variant else {},
        device_class=kind.device_class,
        state_class=None if has_statistic else kind.state_class,
        native_unit_of_measurement=kind.unit,
        suggested_display_precision=kind.precision,
        entity_category=EntityCategory.DIAGNOSTIC if register.key in _DIAGNOSTIC else None,
        entity_registry_enabled_default=register.key not in _DISABLED,
        value_fn=_register_value(register),
        present_fn=lambda state: register.code in state.device.last_reading.values,
    )


def _usage_sensors(
    prefix: str, usage_of: Callable[[DeviceState], Usage]
) -> Iterator[OneMeterSensorDescription]:
    """Yield the sensors of the energy that the cloud adds up itself."""

    def sensor(
        name: str,
        figure: Callable[[Usage], float | None],
        state_class: SensorStateClass | None = None,
    ) -> OneMeterSensorDescription:
        def value(state: DeviceState, multiply: bool) -> float | None:  # noqa: FBT001
            energy = figure(usage_of(state))
            return energy * state.device.multiplier if energy is not None and multiply else energy

        return OneMeterSensorDescription(
            key=f"{prefix}_{name}",
            translation_key=f"{prefix}_{name}",
            device_class=SensorDeviceClass.ENERGY,
            state_class=state_class,
            native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
            suggested_display_precision=2,
            value_fn=value,
            present_fn=lambda state: figure(usage_of(state)) is not None,
        )

    yield sensor("this_month", lambda usage: usage.this_month, SensorStateClass.TOTAL_INCREASING)
    yield sensor("previous_month", lambda usage: usage.previous_month)
    yield sensor("last_hour", lambda usage: usage.last_hour)
    yield sensor("projection", lambda usage: usage.projection)


SENSORS: Final[tuple[OneMeterSensorDescription, ...]] = (
    *(_register_sensor(register) for register in REGISTERS.values()),
    *_usage_sensors("usage", lambda state: state.device.usage),
    *_usage_sensors("production", lambda state: state.device.production),
    OneMeterSensorDescription(
        key="last_reading",
        translation_key="last_reading",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state, _: state.read_at,
        present_fn=lambda state: state.device.last_reading.date is not None,
    ),
    OneMeterSensorDescription(
        key="average_power",
        translation_key="average_power",
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=2,
        value_fn=lambda state, _: state.average_power_kw,
        present_fn=lambda state: (
            state.device.main_register in state.device.last_reading.values
            and OBIS_POWER not in state.device.last_reading.values
        ),
    ),
    OneMeterSensorDescription(
        key="battery",
        device_class=SensorDeviceClass.BATTERY,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state, _: state.device.battery_percent,
        present_fn=lambda state: state.device.battery_percent is not None,
    ),
    OneMeterSensorDescription(
        key="firmware",
        translation_key="firmware",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state, _: state.device.firmware_version,
        present_fn=lambda state: state.device.firmware_version is not None,
    ),
)
"""Every sensor that a device can have, apart from the registers that only its `meta` knows."""


HISTORY_IMPORT: Final = SensorEntityDescription(
    key="history_import",
    translation_key="history_import",
    native_unit_of_measurement=PERCENTAGE,
    suggested_display_precision=0,
    entity_category=EntityCategory.DIAGNOSTIC,
)


def _unknown_register(state: DeviceState, code: str) -> OneMeterSensorDescription:
    """Return the sensor of a register that the catalogue does not have, with what `meta` says."""
    info = state.device.registers.get(code)
    unit = info.unit if info is not None else None

    def value(state: DeviceState, _multiply: bool) -> Value:  # noqa: FBT001
        raw = state.device.last_reading.values.get(code)
        return as_register(raw) if unit is not None else _text(raw)

    return OneMeterSensorDescription(
        key=code,
        name=info.name if info is not None and info.name is not None else code,
        native_unit_of_measurement=unit,
        entity_registry_enabled_default=False,
        value_fn=value,
        present_fn=lambda state: code in state.device.last_reading.values,
    )


class OneMeterSensor(OneMeterEntity, SensorEntity):
    """A sensor of one device."""

    entity_description: OneMeterSensorDescription

    def __init__(
        self,
        coordinator: OneMeterCoordinator,
        device_id: str,
        description: OneMeterSensorDescription,
    ) -> None:
        """Describe the sensor."""
        super().__init__(coordinator, device_id, description)
        if description.translation_placeholders:
            self._attr_translation_placeholders = dict(description.translation_placeholders)

    @property
    @override
    def native_value(self) -> Value:
        """The value in the unit that the API delivers, times the transformer ratio."""
        return self.entity_description.value_fn(self.state_of_device, self.coordinator.multiply)


class HistoryImportSensor(OneMeterEntity, SensorEntity):
    """How much of a device's history has been imported."""

    entity_description: SensorEntityDescription

    def __init__(
        self,
        coordinator: OneMeterCoordinator,
        device_id: str,
        description: SensorEntityDescription,
        *,
        history: HistoryImporter,
    ) -> None:
        """Describe the sensor."""
        super().__init__(coordinator, device_id, description)
        self._history = history

    @override
    async def async_added_to_hass(self) -> None:
        """Show the progress as it is made, not only after a poll."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self._history.async_add_listener(self.device_id, self.async_write_ha_state)
        )

    @property
    @override
    def native_value(self) -> int:
        """The share of the first import in percent; all once it is complete."""
        return self._history.percent(self.device_id)


def _descriptions_of(state: DeviceState) -> Iterator[OneMeterSensorDescription]:
    """Yield the sensors that a device has at the moment."""
    for description in SENSORS:
        if description.present_fn(state):
            yield description
    for code in state.device.last_reading.values:
        if code not in REGISTERS:
            yield _unknown_register(state, code)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: OneMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of an account."""
    add_as_they_appear(entry, async_add_entities, _descriptions_of, OneMeterSensor)
    if (history := entry.runtime_data.history) is not None:
        add_as_they_appear(
            entry,
            async_add_entities,
            lambda _state: (HISTORY_IMPORT,),
            partial(HistoryImportSensor, history=history),
        )

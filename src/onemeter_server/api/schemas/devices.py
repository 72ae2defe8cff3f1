"""The shapes of devices."""

from typing import Annotated, Any, Final, NotRequired, TypedDict

from pydantic import Field, with_config

from .fields import SHAPE, Instant, RegisterValue
from .registers import RegisterMeta


@with_config(SHAPE)
class Coordinates(TypedDict, total=False):
    """A place on the globe, empty when the owner has given none."""

    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""


@with_config(SHAPE)
class Location(TypedDict, total=False):
    """An address, of empty texts when the owner has given none."""

    city: str
    """The town."""
    country: str
    """The country, as the owner writes it."""
    postal: str
    """The postal code."""
    street: str
    """Street and number."""


@with_config(SHAPE)
class Info(TypedDict):
    """What the owner tells of a device."""

    name: str
    """The name that the owner has chosen."""
    manufacturer: str
    """Who made the meter, empty when it is not known."""
    protocol: str
    """What the meter speaks on its optical port, such as `IEC`."""
    GPSCoords: Coordinates
    location: Location


@with_config(SHAPE)
class MeteringPoint(TypedDict):
    """Where is metered."""

    meterID: str
    """The meter's identification, as it says it to the reader."""


@with_config(SHAPE)
class UsageKeys(TypedDict):
    """Which registers tell what is used."""

    activeEnergy: str
    """The OBIS code of the register that counts what the owner uses."""


@with_config(SHAPE)
class Prices(TypedDict, total=False):
    """What the grid operator asks for beside the energy itself."""

    constantPriceComponent: float
    """The fixed part of the grid's price for a month, in PLN."""
    qualityComponent: float
    """For the quality of supply, in PLN/kWh."""
    interimComponent: float
    """The transitional charge of a month, in PLN."""
    renewableEnergyCharge: float
    """For renewable energy, in PLN/kWh."""
    standingCharge: float
    """The standing charge of a month, in PLN."""


@with_config(SHAPE)
class InEffect(TypedDict):
    """The days on which a period of a tariff holds."""

    months: list[int]
    """The months, January being 1."""
    weekdays: list[int]
    """The days of the week, Monday being 1."""


@with_config(SHAPE)
class TimeOfDay(TypedDict):
    """A time of the day in the device's time zone."""

    hour: Annotated[int, Field(ge=0, le=24)]
    """The hour; 24 is the end of the day."""
    minute: Annotated[int, Field(ge=0, le=59)]
    """The minute."""


@with_config(SHAPE)
class Bounds(TypedDict):
    """A part of a day."""

    since: Annotated[TimeOfDay, Field(alias="from")]
    """When it begins."""
    to: TimeOfDay
    """When it is over."""


@with_config(SHAPE)
class Period(TypedDict):
    """When a zone of a tariff holds."""

    inEffect: InEffect
    bounds: list[Bounds]
    """The parts of such a day."""


@with_config(SHAPE)
class Zone(TypedDict):
    """A zone of a tariff: the times that share a price."""

    name: str
    """The operator's name of the zone."""
    variablePriceComponent: float
    """The grid's price of energy in this zone, in PLN/kWh."""
    periods: list[Period]
    """When the zone holds."""


@with_config(SHAPE)
class DistributionTariff(TypedDict, total=False):
    """The grid operator's tariff."""

    _id: str
    """The tariff's own id."""
    distributionNetworkOperator: str
    """Who operates the grid."""
    name: str
    """The tariff's name, such as `G12w`."""
    prices: Prices
    reactiveEnergyFeeMultiplier: float
    """How many times the price reactive energy costs that is over the limit."""
    zones: list[Zone]
    """The zones, which share all times of the week."""


@with_config(SHAPE)
class Contract(TypedDict, total=False):
    """The contract of a metering point, empty when none is known."""

    distributionTariff: DistributionTariff
    contractedPowerLimit: float
    """The most power that the contract allows, in kW."""


@with_config(SHAPE)
class InterfaceConfig(TypedDict):
    """What the vendor's pages would show."""

    displayProjections: bool
    """Whether they show what the month will come to."""
    usedTariff: str | None
    """The tariff that they compare with."""


@with_config(SHAPE)
class Config(TypedDict):
    """How a device is set up."""

    multiplier: float
    """The transformer ratio, which registers are told without unless it is asked for."""
    usageKeys: UsageKeys
    idNumber: NotRequired[RegisterValue]
    """What the register shows that the meter is known by."""
    idKey: NotRequired[str]
    """The OBIS code of that register, absent when the meter tells none."""
    contract: Contract
    uiConfig: InterfaceConfig


@with_config(SHAPE)
class DeviceReading(TypedDict):
    """What the registers of a device showed, each at its own time."""

    date: Instant
    """When the meter was read, in UTC."""
    UUID: str
    """The device that was read."""
    source: str
    """How the reading came: `init` is the first one, `mqtt` came by itself."""
    count: int
    """How many readings there are up to this one."""
    encryption: str
    """How the reading was encrypted on its way: `none`."""
    meterID: str
    """The identification of the meter that was read."""
    OBIS: dict[str, RegisterValue]
    """The registers by their OBIS codes, without the transformer ratio."""
    updatedAt: dict[str, Instant]
    """When each register was read, in UTC."""
    flags: list[str]
    """Troubles that have occurred."""
    BATTERY_VOLTAGE: NotRequired[float]
    """The voltage of the reader's battery, in V."""
    BATTERY_PC: NotRequired[Annotated[int, Field(ge=0, le=100)]]
    """The charge of the reader's battery, in percent."""
    BATTERY_STATUS: NotRequired[int]
    """The state of the reader's battery, from 0 (empty) to 4 (full)."""


@with_config(SHAPE)
class Usage(TypedDict):
    """Energy of some spans, in kWh; all are null before the first reading."""

    thisMonth: float | None
    """In this month, up to the newest reading."""
    previousMonth: float | None
    """In the month before."""
    lastHour: float | None
    """In the hour up to the newest reading."""
    fullTime: float | None
    """Since the first reading."""
    projection: float | None
    """In this month, if it goes on at the same rate; null in a month's first hour."""
    projectionFillRatio: float | None
    """The share of the projection that has been used; null without one."""


@with_config(SHAPE)
class Firmware(TypedDict):
    """The reader's program."""

    currentVersion: str
    """Its version, empty when it is not known."""
    versions: list[str]
    """The versions that it has had."""


@with_config(SHAPE)
class Hardware(TypedDict):
    """The reader itself."""

    version: str
    """Its version, empty when it is not known."""


@with_config(SHAPE)
class TimeZone(TypedDict):
    """The time zone in which days and months are counted."""

    name: str
    """Its name in the time zone database, such as `Europe/Warsaw`."""


@with_config(SHAPE)
class Metadata(TypedDict):
    """What the vendor kept beside."""

    billingPeriods: list[dict[str, Any]]
    """Periods that were billed: none."""


@with_config(SHAPE)
class Owner(TypedDict, total=False):
    """Whose device it is."""

    name: str
    """The owner's name."""
    email: str
    """The owner's address for e-mail."""


@with_config(SHAPE)
class User(TypedDict, total=False):
    """Someone who may see the device."""

    displayName: str
    """The user's name."""
    email: str
    """The user's address for e-mail."""
    grantedAt: Instant
    """Since when, in UTC."""


_EXAMPLE_ID: Final = "5b2f7a04-6c1d-4e8a-b3f9-0d8e7c6b5a41"


@with_config(SHAPE)
class Device(TypedDict):
    """A reader on a meter, and what its readings tell."""

    _id: Annotated[str, Field(description="The device's UUID.", examples=[_EXAMPLE_ID])]
    SN: str
    """The reader's serial number in 32 hexadecimal digits, empty when it is not known."""
    MAC: str
    """The reader's Bluetooth address, empty when it is not known."""
    type: str
    """What kind of place is metered, such as `home`."""
    info: Info
    meteringPoint: MeteringPoint
    config: Config
    usageKey: str
    """The same code as `config.usageKeys.activeEnergy`."""
    lastReading: DeviceReading | None
    """The newest value of each register, null before the first reading."""
    initialReading: DeviceReading | None
    """The first reading, null before it."""
    firstReading: DeviceReading | None
    """The first reading again."""
    usage: Usage
    """What was used, by the main register."""
    production: Usage
    """What was given to the grid."""
    firmware: Firmware
    hardware: Hardware
    timezone: TimeZone
    meta: dict[str, RegisterMeta]
    """What is known of the registers of this device, by their OBIS codes, in English."""
    disabled: bool
    """Whether the device is archived."""
    tags: list[str]
    """Words that the owner has put on the device."""
    own: bool
    """Whether the device belongs to the one who asks."""
    public: bool
    """Whether everybody may see the device."""
    negativeEnergyExists: bool
    """Whether energy has ever been given to the grid."""
    metadata: Metadata
    owner: Owner
    users: list[User]
    """Who else may see the device."""


@with_config(SHAPE)
class Devices(TypedDict):
    """The devices of an account."""

    devices: list[Device]
    """Every device, in the order in which they were added."""

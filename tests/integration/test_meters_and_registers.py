"""The sums go on whatever happens to meters and to the registers that they report."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.util import dt as dt_util

from onemeter_server.models.records import DeviceRecord

from .clockwork import PAST_THE_NEXT_POLL, pass_in_one_step, settle
from .local_cloud import HOUSE, HOUSE_ID, LocalCloud
from .meters import HOUR, QUARTER, assert_rows, expected_rows, readings, recorded, register
from .prices import cost_of, priced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry
    from .meters import Rows

pytestmark = pytest.mark.usefixtures("recorder_mock")

LAST = int(datetime(2026, 11, 23, 10, 0, tzinfo=UTC).timestamp())
DAY = 24 * HOUR
ABSOLUTE = DeviceRecord(id=HOUSE_ID, name="House", main_register="15_8_0")

type Reading = tuple[int, Mapping[str, Any]]


def times(begin: float, end: float = 0) -> range:
    """Return the quarter-hours from so many days ago to so many days ago, the last one included."""
    return range(LAST - int(begin * DAY), LAST - int(end * DAY) + 1, QUARTER)


def shown(at: Iterable[int], show: Callable[[int], Mapping[str, Any]]) -> list[Reading]:
    """Return readings of what a meter shows."""
    return [(time, show(time)) for time in at]


def used(time: int) -> float:
    """Return what a household has used since long ago: its own course, from hour to hour."""
    return register(time, "1_8_0")


def energies(rows: Rows) -> list[float]:
    """Return the energy of each hour but the first."""
    return [after[1] - before[1] for before, after in pairwise(rows.values())]


async def imported(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    cloud: LocalCloud,
    entry: MockConfigEntry,
    history: list[Reading],
    record: DeviceRecord = HOUSE,
    key: str = "energy_import",
) -> Rows:
    """Return the statistics of a history that is imported for the first time."""
    await cloud.install(record, history)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, freezer)
    return await recorded(hass, HOUSE_ID, key)


async def read_on(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    cloud: LocalCloud,
    count: int,
    show: Callable[[int], Mapping[str, Any]],
) -> int:
    """Let the reader read so many more times, and polls see each; return the last time."""
    last = int(dt_util.utcnow().timestamp()) // QUARTER * QUARTER
    for time in range(last + QUARTER, last + (count + 1) * QUARTER, QUARTER):
        freezer.move_to(datetime.fromtimestamp(time + 30, UTC))
        await cloud.intake.take(HOUSE_ID, [(time, show(time))])
        await pass_in_one_step(hass, freezer, timedelta(minutes=5))
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)
    return last + count * QUARTER


def history_requests(cloud: LocalCloud) -> int:
    return sum(request.path.endswith("/readings") for request in cloud.requests)


# Registers that come and go


@pytest.mark.parametrize("before", ["15_8_0", "F_8_0"])
@pytest.mark.parametrize("together", [True, False], ids=["both", "one"])
async def test_import_goes_on_when_its_own_register_appears(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    before: str,
    *,
    together: bool,
) -> None:
    """Ten days of the main register alone; then the same meter tells import and export as well."""
    change = LAST - 2 * DAY

    def show(time: int) -> dict[str, float]:
        old = {before: used(time) + 500}
        new = {"1_8_0": used(time) + 300, "2_8_0": 7.5}
        return old if time < change else {**old, **new} if together else new

    rows = await imported(
        hass,
        freezer,
        empty_cloud,
        make_entry(empty_cloud, HOUSE_ID),
        shown(times(10), show),
        ABSOLUTE,
    )

    first = times(10)[0]
    lost = 0.0 if together else used(change) - used(change - QUARTER)
    assert rows[LAST - HOUR] == pytest.approx((used(LAST) + 300, used(LAST) - used(first) - lost))
    assert min(energies(rows)) >= 0
    assert max(energies(rows)) < 1
    export = await recorded(hass, HOUSE_ID, "energy_export")
    assert {total for _, total in export.values()} == {0.0}


async def test_import_goes_on_when_the_meter_is_replaced_by_one_without_its_register(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    change = LAST - 3 * DAY

    def show(time: int) -> dict[str, float]:
        if time < change:
            return {"1_8_0": used(time), "15_8_0": used(time) + 40}
        return {"15_8_0": used(time) - used(change)}

    rows = await imported(
        hass, freezer, empty_cloud, make_entry(empty_cloud, HOUSE_ID), shown(times(8), show)
    )

    lost = used(change) - used(change - QUARTER)
    total = used(LAST) - used(times(8)[0]) - lost
    assert rows[LAST - HOUR] == pytest.approx((used(LAST) - used(change), total))
    assert min(energies(rows)) >= 0


async def test_registers_change_while_we_watch(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await imported(
        hass,
        freezer,
        empty_cloud,
        make_entry(empty_cloud, HOUSE_ID),
        shown(times(10), lambda time: {"15_8_0": used(time)}),
        ABSOLUTE,
    )
    last = await read_on(
        hass,
        freezer,
        empty_cloud,
        12,
        lambda time: {"15_8_0": used(time), "1_8_0": used(time) - 50, "2_8_0": 0.0},
    )

    rows = await recorded(hass, HOUSE_ID)
    assert rows[max(rows)] == pytest.approx((used(last) - 50, used(last) - used(times(10)[0])))
    assert min(energies(rows)) >= 0
    assert max(energies(rows)) < 1


async def test_a_reading_without_the_register_is_no_reading_of_it(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The main register counts export as well: it must not take the place of the missing one."""

    def complete(time: int) -> dict[str, float]:
        return {"1_8_0": used(time), "2_8_0": 2 * used(time), "15_8_0": 3 * used(time)}

    await imported(
        hass,
        freezer,
        empty_cloud,
        make_entry(empty_cloud, HOUSE_ID),
        shown(times(3), complete),
        ABSOLUTE,
    )
    before = await recorded(hass, HOUSE_ID)
    await read_on(hass, freezer, empty_cloud, 1, lambda time: {"15_8_0": 3 * used(time)})
    assert_rows(await recorded(hass, HOUSE_ID), before)

    last = await read_on(hass, freezer, empty_cloud, 3, complete)
    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(times(3)[0], last))
    assert {"energy_import", "energy_export", "energy_absolute"} <= await series(hass)


async def series(hass: HomeAssistant) -> set[str]:
    """Return the keys of the statistics that have rows."""
    keys = ("energy_import", "energy_import_t1", "energy_import_t2", "energy_export")
    return {key for key in (*keys, "energy_absolute") if await recorded(hass, HOUSE_ID, key)}


async def test_a_tariff_that_every_second_reading_lacks_costs_no_requests(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    def show(time: int) -> dict[str, float]:
        codes = ("1_8_0", "1_8_1", "1_8_2") if time // QUARTER % 2 else ("1_8_0", "1_8_1")
        return {code: register(time, code) for code in codes}

    entry = make_entry(empty_cloud, HOUSE_ID, options={"update_interval": 15})
    await imported(hass, freezer, empty_cloud, entry, shown(times(3), show))
    empty_cloud.requests.clear()
    last = await read_on(hass, freezer, empty_cloud, 48, show)

    assert history_requests(empty_cloud) == 0
    first = times(3)[0]
    assert_rows(
        await recorded(hass, HOUSE_ID, "energy_import_t1"), expected_rows(first, last, "1_8_1")
    )
    second = await recorded(hass, HOUSE_ID, "energy_import_t2")
    assert max(second.values())[0] == pytest.approx(register(last - QUARTER, "1_8_2"))


async def test_each_register_stands_at_the_time_at_which_it_was_read(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The cloud puts the newest reading together; some registers in it are hours old."""
    await imported(
        hass,
        freezer,
        empty_cloud,
        make_entry(empty_cloud, HOUSE_ID),
        readings(times(3), ("1_8_0", "2_8_0")),
    )
    await pass_in_one_step(hass, freezer, timedelta(hours=2))
    newest, old = LAST + 2 * HOUR, LAST + HOUR
    await empty_cloud.change(
        HOUSE,
        extra={
            "lastReading": {
                "date": instant(newest),
                "OBIS": {"1_8_0": register(newest), "2_8_0": register(old, "2_8_0")},
                "updatedAt": {"2_8_0": instant(old), "1_8_0": None},
            }
        },
    )
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)

    first = times(3)[0]
    assert_rows(await recorded(hass, HOUSE_ID, "energy_export"), expected_rows(first, old, "2_8_0"))
    rows = await recorded(hass, HOUSE_ID)
    assert rows[newest - HOUR] == pytest.approx(expected_rows(first, newest)[newest - HOUR])


def instant(time: int) -> str:
    """Return an instant as the API writes it."""
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("after", [{}, {"1_8_2": 0.0}], ids=["absent", "zero"])
async def test_the_past_keeps_its_costs_when_a_meter_with_one_tariff_comes(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    after: dict[str, float],
) -> None:
    change = LAST - 2 * DAY
    codes = ("1_8_0", "1_8_1", "1_8_2")

    def show(time: int) -> Mapping[str, float]:
        if time < change:
            return {code: register(time, code) for code in codes}
        new = used(time) - used(change)
        return {"1_8_0": new, "1_8_1": new, **after}

    entry = priced(
        hass, make_entry(empty_cloud, HOUSE_ID), energy_import_t1=0.5, energy_import_t2=2.0
    )
    await imported(hass, freezer, empty_cloud, entry, shown(times(6), show))

    first = times(6)[0]
    of_old = 0.5 * (register(change - QUARTER, "1_8_1") - register(first, "1_8_1"))
    of_old += 2.0 * (register(change - QUARTER, "1_8_2") - register(first, "1_8_2"))
    cost = await cost_of(hass, HOUSE_ID)
    assert cost[change - 2 * HOUR] == pytest.approx(of_old, rel=0.02)
    assert cost[LAST - HOUR] == pytest.approx(of_old + 0.5 * (used(LAST) - used(change)))
    assert {"energy_import_t1", "energy_import_t2"} <= await series(hass)


# Another meter


@pytest.mark.parametrize("higher_by", [5_153.0, 0.0, -900.0])
async def test_another_serial_number_is_another_meter_whatever_it_shows(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    higher_by: float,
) -> None:
    change = LAST - 2 * DAY

    def show(time: int) -> Mapping[str, Any]:
        if time < change:
            return {"1_8_0": used(time), "C_1_0": "11722779"}
        return {"1_8_0": used(time) + higher_by, "C_1_0": "99001122"}

    record = DeviceRecord(id=HOUSE_ID, name="House", contract={"contractedPowerLimit": 14})
    rows = await imported(
        hass, freezer, empty_cloud, make_entry(empty_cloud, HOUSE_ID), shown(times(5), show), record
    )

    lost = used(change) - used(change - QUARTER)
    assert rows[LAST - HOUR] == pytest.approx(
        (used(LAST) + higher_by, used(LAST) - used(times(5)[0]) - lost)
    )
    assert max(energies(rows)) < 1


async def test_a_serial_number_changes_while_we_watch(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await imported(
        hass,
        freezer,
        empty_cloud,
        make_entry(empty_cloud, HOUSE_ID),
        shown(times(3), lambda time: {"1_8_0": used(time), "C_1_0": "1"}),
    )
    last = await read_on(
        hass, freezer, empty_cloud, 8, lambda time: {"1_8_0": used(time) + 5_000, "C_1_0": "2"}
    )

    rows = await recorded(hass, HOUSE_ID)
    lost = used(LAST + QUARTER) - used(LAST)
    assert rows[max(rows)] == pytest.approx(
        (used(last) + 5_000, used(last) - used(times(3)[0]) - lost)
    )


@pytest.mark.parametrize("none", [42949672.95, 4294967295, "429496729.5", 4294967.295])
async def test_no_value_is_never_a_number_however_often_it_comes(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    none: float | str,
) -> None:
    await imported(
        hass,
        freezer,
        empty_cloud,
        make_entry(empty_cloud, HOUSE_ID),
        readings(times(3, 1))
        + shown(times(0.75, 0.5), lambda _: {"1_8_0": none})
        + readings(times(0.25)),
    )
    assert_no_energy_of_none = await recorded(hass, HOUSE_ID)
    assert max(energies(assert_no_energy_of_none)) < 1
    await read_on(hass, freezer, empty_cloud, 6, lambda _: {"1_8_0": none})

    assert hass.states.get("sensor.house_energy_import").state == "unknown"
    rows = await recorded(hass, HOUSE_ID)
    assert rows[LAST - HOUR] == pytest.approx((used(LAST), used(LAST) - used(times(3)[0])))
    assert max(energies(rows)) < 1


@pytest.mark.parametrize("capacity", [100_000.0, 1_000_000.0, 42_949_672.96])
async def test_a_counter_that_runs_over_goes_on_counting(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    capacity: float,
) -> None:
    """The reader was out of range meanwhile."""

    def show(time: int) -> Mapping[str, float]:
        return {"1_8_0": round((capacity - 5 + used(time) - used(LAST - 2 * DAY)) % capacity, 4)}

    history = shown([*times(5, 3), *times(1)], show)
    rows = await imported(hass, freezer, empty_cloud, make_entry(empty_cloud, HOUSE_ID), history)

    assert rows[LAST - HOUR][0] < 100
    assert rows[LAST - HOUR][1] == pytest.approx(used(LAST) - used(times(5)[0]), abs=1e-4)
    assert min(energies(rows)) >= 0
    assert max(energies(rows)) < 1


async def test_a_fall_that_would_need_too_much_power_is_another_meter(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    change = LAST - 2 * DAY

    def show(time: int) -> Mapping[str, float]:
        return {"1_8_0": 96_000 + used(time) % 100 if time < change else used(time) % 1000}

    record = DeviceRecord(id=HOUSE_ID, name="House", contract={"contractedPowerLimit": 14})
    rows = await imported(
        hass, freezer, empty_cloud, make_entry(empty_cloud, HOUSE_ID), shown(times(4), show), record
    )
    assert max(energies(rows)) < 1


@pytest.mark.parametrize(
    "date", ["1970-01-01T00:00:07Z", "2000-01-01T00:00:00Z", "2025-03-01T12:00:00Z"]
)
async def test_readings_of_before_the_installation_are_none(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    date: str,
) -> None:
    """The reader had lost its clock."""
    wrong = int(datetime.fromisoformat(date).timestamp())
    history = readings(times(3))
    installed = {"date": instant(history[0][0]), "OBIS": history[0][1]}
    record = DeviceRecord(id=HOUSE_ID, name="House", extra={"initialReading": installed})
    rows = await imported(
        hass,
        freezer,
        empty_cloud,
        make_entry(empty_cloud, HOUSE_ID),
        [(wrong, history[100][1]), (wrong + QUARTER, history[101][1]), *history],
        record,
    )
    assert_rows(rows, expected_rows(history[0][0], LAST))


async def test_an_installation_that_is_yet_to_come_is_not_known(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The reader's clock was not set when it was put on the meter."""
    history = readings(times(3))
    installed = {"date": "2098-01-01T00:00:00Z", "OBIS": history[0][1]}
    record = DeviceRecord(id=HOUSE_ID, name="House", extra={"initialReading": installed})
    rows = await imported(
        hass, freezer, empty_cloud, make_entry(empty_cloud, HOUSE_ID), history, record
    )
    assert_rows(rows, expected_rows(history[0][0], LAST))


@pytest.mark.parametrize("hours", [-24, -5, 5, 24])
@pytest.mark.parametrize("count", [1, 12])
async def test_readings_of_another_time_leave_no_trace(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    hours: int,
    count: int,
) -> None:
    """The reader's clock was off by hours for a while, and then set."""
    off = set(times(2)[:count])
    history = [
        (time + hours * HOUR + 7 if time in off else time, {"1_8_0": used(time)})
        for time in times(5)
    ]
    rows = await imported(hass, freezer, empty_cloud, make_entry(empty_cloud, HOUSE_ID), history)

    assert min(energies(rows)) >= 0
    expected = expected_rows(times(5)[0], LAST)
    assert rows[LAST - HOUR] == pytest.approx(expected[LAST - HOUR])
    wrong = [hour for hour in expected if rows[hour] != pytest.approx(expected[hour], abs=1e-6)]
    assert len(wrong) <= 2 + count // 4, "only hours of which too little was read"

"""The recorder is asked, not trusted: whatever befalls its database, the hours are right again."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.components.recorder import get_instance

from custom_components.onemeter.history.meaning import statistic_id

from .clockwork import PAST_THE_NEXT_POLL, live_through, pass_in_one_step, settle
from .local_cloud import HOUSE, HOUSE_ID, LocalCloud
from .meters import HOUR, QUARTER, assert_rows, expected_rows, readings, recorded, register
from .prices import cost_of, priced
from .recorder_rows import execute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry

pytestmark = pytest.mark.usefixtures("recorder_mock", "hass_storage")

LAST = int(datetime(2026, 11, 23, 10, 0, tzinfo=UTC).timestamp())
DAY = 24 * HOUR
FIRST = LAST - 100 * DAY
CODES = ("1_8_0", "2_8_0")
SERIES = {"energy_import": "1_8_0", "energy_export": "2_8_0"}


class Home:
    """A home whose meter has been read for a hundred days, and the cloud that knows it."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        cloud: LocalCloud,
        entry: MockConfigEntry,
    ) -> None:
        """Keep the parts."""
        self.hass, self.freezer, self.cloud, self.entry = hass, freezer, cloud, entry
        self.last = LAST

    async def start(self) -> None:
        """Load the account, and let it do what it does then."""
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await settle(self.hass, self.freezer)

    async def stop(self) -> None:
        """Unload the account."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)

    async def live(self, hours: float) -> None:
        """Let the meter be read and the cloud be polled for some time."""
        end = self.last + int(hours * HOUR)
        while self.last < end:
            self.last += QUARTER
            await self.cloud.intake.take(HOUSE_ID, readings([self.last], CODES))
            self.freezer.move_to(datetime.fromtimestamp(self.last + 30, UTC))
            await pass_in_one_step(self.hass, self.freezer, timedelta(minutes=5))
        await pass_in_one_step(self.hass, self.freezer, PAST_THE_NEXT_POLL)

    async def clear(self, *keys: str) -> None:
        """Delete statistics as their owner can."""
        get_instance(self.hass).async_clear_statistics(
            [statistic_id(HOUSE_ID, key) for key in keys]
        )
        await get_instance(self.hass).async_add_executor_job(
            get_instance(self.hass).block_till_done
        )

    async def assert_right(self) -> None:
        """Compare every hour of all statistics with the registers."""
        for key, code in SERIES.items():
            assert_rows(
                await recorded(self.hass, HOUSE_ID, key), expected_rows(FIRST, self.last, code)
            )

    @property
    def whole_histories(self) -> int:
        """How often all readings were asked for since this was asked last."""
        begin = datetime.fromtimestamp(FIRST, UTC)
        count = sum(f"from={begin:%Y-%m-%d}" in request.query for request in self.cloud.requests)
        self.cloud.requests.clear()
        return count


@pytest.fixture
async def home(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> Home:
    """Return a home whose history has been imported."""
    await hass.config.async_update(currency="PLN")
    await empty_cloud.install(HOUSE, readings(range(FIRST, LAST + 1, QUARTER), CODES))
    home = Home(
        hass,
        freezer,
        empty_cloud,
        priced(hass, make_entry(empty_cloud, HOUSE_ID), energy_import=0.5),
    )
    await home.start()
    await home.assert_right()
    assert home.whole_histories == 1
    return home


ALL = ("energy_import", "energy_export", "energy_cost")


async def test_a_lost_database_is_filled_again_at_the_start(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    await home.stop()
    await home.clear(*ALL)
    await home.start()

    await home.assert_right()
    assert home.whole_histories == 1
    assert hass_percent(home) == "100"
    assert "do not fit" in caplog.text


async def test_the_progress_of_an_import_and_of_a_repair_is_shown(home: Home) -> None:
    percents: list[int] = []
    history = home.entry.runtime_data.history
    history.async_add_listener(HOUSE_ID, lambda: percents.append(history.percent(HOUSE_ID)))
    await home.clear("energy_import", "energy_export")
    await home.live(1)

    assert percents[0] == 0
    assert percents == sorted(percents)
    assert len(set(percents)) > 5
    assert hass_percent(home) == "100"


def hass_percent(home: Home) -> str:
    return home.hass.states.get("sensor.house_history_import").state


async def test_statistics_that_vanish_while_we_watch_are_filled_again_with_the_next_poll(
    home: Home,
) -> None:
    await home.clear(*ALL)
    await home.live(1)

    await home.assert_right()
    assert home.whole_histories == 1
    cost = await cost_of(home.hass, HOUSE_ID)
    assert cost[max(cost)] == pytest.approx(0.5 * (register(home.last) - register(FIRST)))


@pytest.mark.parametrize("days", [3, 80])
@pytest.mark.parametrize("with_files", [True, False], ids=["whole backup", "database only"])
async def test_a_restored_backup_gets_the_hours_since(
    home: Home, hass_storage: dict[str, Any], days: int, *, with_files: bool
) -> None:
    key = f"onemeter.{home.entry.entry_id}.history"
    since = LAST - days * DAY
    await home.stop()
    if with_files:
        stored = hass_storage[key]["data"][HOUSE_ID]
        for outline in stored["outlines"].values():
            outline["last"] = since - HOUR
    await execute(home.hass, f"DELETE FROM statistics WHERE start_ts >= {since}")  # noqa: S608
    await home.start()
    await home.live(1)

    await home.assert_right()
    cost = await cost_of(home.hass, HOUSE_ID)
    assert cost[max(cost)] == pytest.approx(0.5 * (register(home.last) - register(FIRST)))
    assert len(cost) == len(await recorded(home.hass, HOUSE_ID))


async def test_a_deleted_cost_statistic_is_made_again_without_any_request(home: Home) -> None:
    await home.clear("energy_cost")
    await home.live(1)

    assert home.whole_histories == 0
    cost = await cost_of(home.hass, HOUSE_ID)
    assert len(cost) == len(await recorded(home.hass, HOUSE_ID))
    assert cost[max(cost)] == pytest.approx(0.5 * (register(home.last) - register(FIRST)))
    assert max(after - before for before, after in pairwise(cost.values())) < 1


@pytest.mark.parametrize("days", [1, 40])
@pytest.mark.parametrize("adjustment", [-0.04, 5.0, -200.0])
async def test_an_adjusted_sum_is_the_registers_again_within_a_day(
    home: Home, days: int, adjustment: float
) -> None:
    get_instance(home.hass).async_adjust_statistics(
        statistic_id(HOUSE_ID, "energy_import"),
        datetime.fromtimestamp(LAST - days * DAY, UTC),
        adjustment,
        "kWh",
    )
    await home.live(25)

    await home.assert_right()
    assert home.whole_histories == 1


@pytest.mark.parametrize("days", [2, 30])
async def test_hours_that_are_missing_are_filled_within_a_day(home: Home, days: int) -> None:
    begin = LAST - days * DAY
    await execute(
        home.hass,
        "DELETE FROM statistics"  # noqa: S608
        f" WHERE start_ts >= {begin} AND start_ts < {begin + 5 * HOUR}",
    )
    await home.live(25)

    await home.assert_right()
    assert home.whole_histories == 1


async def test_hours_of_before_the_installation_are_taken_away(home: Home) -> None:
    """An earlier version took a reading of 1970 for the first one."""
    await home.stop()
    await execute(
        home.hass,
        "INSERT INTO statistics (created_ts, metadata_id, start_ts, state, sum)"  # noqa: S608
        " SELECT 0, metadata_id, 3600, 1, 1 FROM statistics WHERE start_ts ="
        f" {LAST - HOUR}",
    )
    await home.start()

    await home.assert_right()
    cost = await cost_of(home.hass, HOUSE_ID)
    assert len(cost) == len(await recorded(home.hass, HOUSE_ID))


async def test_what_the_cloud_has_lost_stays_in_the_recorder_and_the_sum_goes_on(
    home: Home,
) -> None:
    """The owner's own server, for example, begins with what it has."""
    await home.stop()
    await home.cloud.remove(HOUSE_ID)
    await home.cloud.install(HOUSE, readings(range(LAST - 10 * DAY, LAST + 1, QUARTER), CODES))
    await home.clear("energy_cost")
    await home.start()
    await home.live(25)

    await home.assert_right()


async def test_a_good_database_is_checked_without_writing_or_asking(home: Home) -> None:
    await home.stop()
    home.cloud.requests.clear()
    before = {key: await recorded(home.hass, HOUSE_ID, key) for key in ALL}
    await home.start()

    assert {key: await recorded(home.hass, HOUSE_ID, key) for key in ALL} == before
    assert home.whole_histories == 0


async def test_a_price_that_is_corrected_needs_no_readings(home: Home) -> None:
    home.cloud.requests.clear()
    priced(home.hass, home.entry, energy_import=0.75)
    await live_through(home.hass, home.freezer, timedelta(minutes=5))

    cost: Mapping[int, float] = await cost_of(home.hass, HOUSE_ID)
    assert cost[max(cost)] == pytest.approx(0.75 * (register(LAST) - register(FIRST)))
    assert home.whole_histories == 0

"""Any date will do as the start or the end of an action: it works, or it is told in words."""

from datetime import MAXYEAR, UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.core import ServiceCall
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_components.onemeter.const import DOMAIN
from custom_components.onemeter.onemeter_cloud.parsing import EARLIEST, LATEST
from custom_components.onemeter.services import _span_of

from .clockwork import settle
from .local_cloud import HOUSE, HOUSE_ID, LocalCloud
from .meters import quarters, readings
from .registry import registered_device

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
TIMES = quarters(NOW - timedelta(days=1), NOW)

PAST = (
    "0001-01-01",
    "0001-01-01 00:00:00",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00-12:00",
    "0999-12-31T23:59:59.999999Z",
    "1582-10-10 12:00:00",
    "1969-12-31T23:59:59Z",
    "2009-12-31 00:00:00",
)
FUTURE = (
    "2026-11-25 00:00:00",
    "2100-01-01T00:00:00Z",
    "2106-02-07T06:28:16Z",
    "9999-12-31 23:59:59",
    "9999-12-31T23:59:59.999999+14:00",
    "9999-12-31T23:59:59.999999-12:00",
)
ALL = len(TIMES)


@pytest.fixture(params=["Pacific/Kiritimati", "America/Los_Angeles"], ids=["east", "west"])
async def home(
    request: pytest.FixtureRequest,
    recorder_mock: None,
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> AsyncIterator[HomeAssistant]:
    """A home at an end of the calendar's days, with a house that has been read for a day."""
    await hass.config.async_set_time_zone(request.param)
    await empty_cloud.install(HOUSE, readings(TIMES, ("1_8_0",)))
    await hass.config_entries.async_setup(make_entry(empty_cloud, HOUSE_ID).entry_id)
    await settle(hass, freezer)
    yield hass
    dt_util.set_default_time_zone(UTC)


async def count(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, name: str, **span: str
) -> int | str:
    """Call an action; return how many readings came of it, or the key of the words for why not."""
    freezer.tick(timedelta(minutes=3))  # for the request budget
    data = {"device_id": registered_device(hass, HOUSE_ID), **span}
    try:
        response: Any = await hass.services.async_call(
            DOMAIN, name, data, blocking=True, return_response=True
        )
    except ServiceValidationError as err:
        return err.translation_key or ""
    found = response["readings"]
    return found if isinstance(found, int) else len(found)


@pytest.mark.parametrize("name", ["get_readings", "import_history"])
async def test_a_start_long_ago_means_from_the_first_reading_on(
    home: HomeAssistant, freezer: FrozenDateTimeFactory, name: str
) -> None:
    for start in PAST:
        assert await count(home, freezer, name, start=start) == ALL, start


@pytest.mark.parametrize("name", ["get_readings", "import_history"])
async def test_an_end_in_the_future_means_up_to_now(
    home: HomeAssistant, freezer: FrozenDateTimeFactory, name: str
) -> None:
    for end in FUTURE:
        assert await count(home, freezer, name, start=PAST[0], end=end) == ALL, end


@pytest.mark.parametrize("name", ["get_readings", "import_history"])
async def test_a_time_before_all_readings_has_none(
    home: HomeAssistant, freezer: FrozenDateTimeFactory, name: str
) -> None:
    for end in PAST[4:]:
        assert await count(home, freezer, name, start=PAST[0], end=end) == 0, end


@pytest.mark.parametrize("name", ["get_readings", "import_history"])
async def test_a_start_in_the_future_is_told_in_words(
    home: HomeAssistant, freezer: FrozenDateTimeFactory, name: str
) -> None:
    for start in FUTURE:
        assert await count(home, freezer, name, start=start) == "start_in_future", start
    for start in FUTURE[:-3]:
        key = await count(home, freezer, name, start=start, end=FUTURE[-1])
        assert key == "start_in_future", start


@pytest.mark.parametrize("name", ["get_readings", "import_history"])
async def test_an_end_before_the_start_is_told_in_words(
    home: HomeAssistant, freezer: FrozenDateTimeFactory, name: str
) -> None:
    for start in (*PAST[4:], *FUTURE):
        key = await count(home, freezer, name, start=start, end="0001-01-01T00:00:00+14:00")
        assert key == "start_after_end", start


OFFSETS = st.integers(-24 * 60 + 1, 24 * 60 - 1).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
EDGES = st.sampled_from([datetime.min, datetime.max, datetime(MAXYEAR, 12, 31)])  # noqa: DTZ901, DTZ001
INSTANTS = st.one_of(
    st.datetimes(),
    st.datetimes(timezones=OFFSETS),
    st.datetimes(timezones=st.timezones()),
    EDGES,
    st.builds(lambda edge, zone: edge.replace(tzinfo=zone), EDGES, OFFSETS),
)


@given(
    start=st.none() | INSTANTS,
    end=st.none() | INSTANTS,
    home=st.sampled_from(["Pacific/Kiritimati", "America/Los_Angeles", "Europe/Warsaw", "UTC"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_span_is_one_that_can_be_asked_for_or_told_in_words(
    hass: HomeAssistant, start: datetime | None, end: datetime | None, home: str
) -> None:
    given_ = {"start": start, "end": end}
    data = {name: value for name, value in given_.items() if value is not None}
    before = dt_util.get_default_time_zone()
    dt_util.set_default_time_zone(dt_util.get_time_zone(home) or UTC)
    try:
        since, until = _span_of(ServiceCall(hass, DOMAIN, "get_readings", data))
    except ServiceValidationError:
        return
    finally:
        dt_util.set_default_time_zone(before)
    assert (since is None, until is None) == (start is None, end is None)
    assert since is None or EARLIEST <= since <= dt_util.utcnow()
    assert until is None or since is None or since <= until <= LATEST
    assert all(each is None or each.tzinfo is UTC for each in (since, until))

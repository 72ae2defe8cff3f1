"""What readings mean: a part that goes on from what stands in the recorder is as the whole."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.onemeter.history.draft import Draft
from custom_components.onemeter.history.meaning import (
    Known,
    Plan,
    are_doubtful,
    history_of,
    plan_for,
    rows_of,
    statistic_id,
)
from custom_components.onemeter.history.outline import Outline
from custom_components.onemeter.onemeter_cloud.history import HOUR_SECONDS, HourRow
from custom_components.onemeter.onemeter_cloud.models import parse_device
from custom_components.onemeter.onemeter_cloud.readings import Readings, parse_readings
from tests.library.lives import lives

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custom_components.onemeter.onemeter_cloud.parsing import JSON
    from tests.library.lives import Life

    type Rows = Mapping[str, Sequence[HourRow]]

NOW = 2_000_000_000
NOTHING = Known(rows={}, since=0)
BEGIN = 1_716_447_600
QUARTER = 900
CONTEXT = 2 * 24 * HOUR_SECONDS
PLAN = Plan(main_register="15_8_0", multiplier=1.0, limit_kw=200.0, installed=None)


def meaning(
    readings: Readings, known: Rows | None = None, plan: Plan = PLAN, since: int = NOW
) -> Rows:
    """Return the rows of all series that readings feed, tariffs and those known as soon as read.

    All of what is `known` is as it was, but from `since` on.
    """
    return rows_of(
        history_of((readings,), plan, NOW),
        plan,
        known=Known(rows=known or {}, since=since),
        expected={"energy_import_t1", "energy_import_t2", *(known or ())},
        now=NOW,
    )


def read(rows: Sequence[Mapping[str, JSON]]) -> Readings:
    return parse_readings({"readings": [*map(dict, rows)]})


def quarters(*values: float, code: str = "1_8_0", start: int = BEGIN) -> Readings:
    """Return readings of a register every quarter-hour."""
    times = tuple(start + QUARTER * number for number in range(len(values)))
    return Readings(times=times, rows=tuple({code: value} for value in values))


def assert_same(found: Sequence[HourRow], expected: Sequence[HourRow]) -> None:
    """Compare rows, but for the noise of additions."""
    assert [row.start for row in found] == [row.start for row in expected]
    assert [row.state for row in found] == pytest.approx([row.state for row in expected], abs=1e-6)
    assert [row.sum for row in found] == pytest.approx([row.sum for row in expected], abs=1e-6)


@settings(max_examples=60)
@given(lives(most_meters=3, with_serials=True), st.sampled_from((1.0, 40.0)), st.data())
def test_a_part_that_goes_on_from_the_row_before_it_is_as_the_whole(
    life: Life, multiplier: float, data: st.DataObject
) -> None:
    """All that it has to know of the past is the recorder's row of the hour before."""
    plan = Plan(
        main_register="15_8_0", multiplier=multiplier, limit_kw=200.0 * multiplier, installed=None
    )
    readings = read(life.rows())
    whole = meaning(readings, plan=plan)
    start = data.draw(st.sampled_from(readings.times))
    part = readings.between(start - CONTEXT, NOW)
    found = meaning(part, whole, plan)

    for key, rows in found.items():
        assert_same(merged(whole[key], rows), whole[key])
        assert rows[-1].start == whole[key][-1].start
        outline = Outline.of(whole[key])
        assert outline.followed_by(rows).has_meters_of(outline)


@settings(max_examples=40)
@given(lives(most_meters=2, with_serials=True), st.data())
def test_readings_that_come_piece_by_piece_end_in_the_rows_of_the_whole(
    life: Life, data: st.DataObject
) -> None:
    """Where a part shows another meter, or another series, the whole is made anew."""
    readings = read(life.rows())
    known: Rows = {}
    outlines: dict[str, Outline] = {}
    borders = sorted(data.draw(st.sets(st.sampled_from(readings.times), max_size=6)))
    for until in [*borders, readings.times[-1]]:
        seen = readings.between(0, until)
        last = max((outline.last for outline in outlines.values()), default=0)
        part = seen.between(last - CONTEXT, until)
        draft = Draft.of(meaning(part, known, since=last), known, outlines, 200.0)
        if draft.has_other_meters:
            known = meaning(seen)
        else:
            known = {
                **known,
                **{key: merged(known.get(key, ()), rows) for key, rows in draft.rows.items()},
            }
        outlines = {key: Outline.of(rows) for key, rows in known.items() if rows}
    whole = meaning(readings)
    assert known.keys() == whole.keys()
    for key, rows in known.items():
        assert_same(rows, whole[key])


def merged(known: Sequence[HourRow], rows: Sequence[HourRow]) -> list[HourRow]:
    """Return what stands there once rows have been written over those that are known."""
    return sorted({row.start: row for row in (*known, *rows)}.values())


def test_a_part_without_anything_before_it_begins_at_zero() -> None:
    rows = meaning(quarters(10.0, 10.5, 11.0, 11.5, 12.0))
    assert rows["energy_import"] == [HourRow(BEGIN, 12.0, 2.0)]


def test_a_hole_before_a_part_is_shared_out_from_the_last_hour_that_was_over() -> None:
    known = [HourRow(BEGIN - 5 * HOUR_SECONDS, 100.0, 40.0)]
    rows = meaning(quarters(104.0, 104.0), {"energy_import": known})["energy_import"]
    assert_same(
        rows,
        [
            *(HourRow(BEGIN - n * HOUR_SECONDS, 105.0 - n, 45.0 - n) for n in (4, 3, 2, 1)),
            HourRow(BEGIN, 104.0, 44.0),
        ],
    )


def test_another_meter_after_a_hole_goes_on_at_the_sum_that_stands_there() -> None:
    known = [HourRow(BEGIN - 2 * HOUR_SECONDS, 100.0, 40.0)]
    rows = meaning(quarters(3.0, 3.5), {"energy_import": known})["energy_import"]
    assert rows[-1] == HourRow(BEGIN, 3.5, 40.5)


def test_late_readings_change_the_hours_before_the_first_that_stays_as_it_was() -> None:
    """What stood there was shared out over a hole, and crosses what has come late."""
    late = quarters(*(10.0 + 0.25 * n**1.5 for n in range(41)))
    ends = Readings(times=late.times[::40], rows=late.rows[::40])
    whole = meaning(late)["energy_import"]
    known = meaning(ends)
    found = meaning(late, known, since=BEGIN)["energy_import"]
    assert_same(found, whole)


def test_a_part_that_begins_with_another_register_goes_on_where_its_own_is_read() -> None:
    """The reader broadcasts few registers often, and that of import rarely."""
    times = range(BEGIN, BEGIN + 1000 * QUARTER, QUARTER)
    rows = [
        {"15_8_0": 65 + 0.08 * n, **({} if n % 4 else {"1_8_0": 60 + 0.05 * n})}
        for n in range(len(times))
    ]
    readings = Readings(times=tuple(times), rows=tuple(rows))
    whole = meaning(readings)
    part = meaning(readings.between(times[701], NOW), whole)["energy_import"]
    assert_same(part, whole["energy_import"][-len(part) :])
    assert part[0].start <= times[705]


def test_in_the_first_hour_of_a_history_its_own_row_is_gone_on_from() -> None:
    readings = quarters(*(10.0 + 0.25 * number for number in range(9)))
    whole = meaning(readings)
    assert_same(
        meaning(readings.between(BEGIN + QUARTER, NOW), whole)["energy_import"],
        whole["energy_import"],
    )


def test_hours_to_come_have_no_rows() -> None:
    readings = quarters(10.0, 10.5, 11.0, 11.5, 12.0, 12.5, start=BEGIN)
    rows = rows_of(readings, PLAN, known=NOTHING, expected=(), now=BEGIN + 100)
    assert [row.start for row in rows["energy_import"]] == [BEGIN]


def test_the_plan_changes_with_what_changes_the_rows() -> None:
    def plan(multiply: bool = True, **config: JSON) -> str:  # noqa: FBT001, FBT002
        initial: JSON = {"date": config.pop("installed", "2024-01-01T00:00:00Z"), "OBIS": {}}
        device = parse_device({"_id": "x", "config": config, "initialReading": initial}, "x")
        return plan_for(device, NOW, multiply=multiply).fingerprint

    main: JSON = {"activeEnergy": "15_8_0"}
    plans = [
        plan(),
        plan(multiplier=40),
        plan(usageKeys=main),
        plan(contract={"contractedPowerLimit": 14}),
        plan(installed="2025-01-01T00:00:00Z"),
    ]
    assert len(set(plans)) == len(plans)
    assert plan(multiplier=40, multiply=False) == plan()
    unknown = plan(installed=None)
    assert unknown not in plans
    for date in ("1970-01-01T00:00:00Z", "2000-01-01T00:00:00Z", "2099-01-01T00:00:00Z"):
        assert plan(installed=date) == unknown


def test_the_plan_does_not_depend_on_the_newest_reading() -> None:
    def plan(**registers: float) -> Plan:
        payload: JSON = {
            "_id": "x",
            "lastReading": {"OBIS": {k[1:]: v for k, v in registers.items()}},
        }
        return plan_for(parse_device(payload, "x"), NOW, multiply=True)

    assert plan(r1_8_0=1.0, r15_8_0=2.0) == plan(r15_8_0=2.0) == plan()


@pytest.mark.parametrize("newest", [(3.0,), (3.0, 3.1, 3.2, 3.3), (90_000.0,)])
def test_what_is_not_believed_yet_is_doubtful(newest: tuple[float, ...]) -> None:
    good = [10.0 + number for number in range(8)]
    assert are_doubtful(quarters(*good, *newest), PLAN)
    assert not are_doubtful(quarters(*good), PLAN)


@pytest.mark.parametrize(("rise", "surprising"), [(5.0, False), (150.0, False), (900.0, True)])
def test_more_energy_than_is_possible_is_surprising_once(rise: float, *, surprising: bool) -> None:
    known = [HourRow(BEGIN + n * HOUR_SECONDS, 10.0 + n, float(n)) for n in range(3)]
    rows = [*known, HourRow(BEGIN + 3 * HOUR_SECONDS, 12.0 + rise, 2.0 + rise)]
    outlines = {"energy_import": Outline.of(known)}

    def draft(already: list[HourRow]) -> Draft:
        return Draft.of({"energy_import": rows}, {"energy_import": already}, outlines, 14.0)

    assert draft(known).is_surprising is surprising
    assert not draft(rows).is_surprising
    assert not draft(known).has_other_meters


def test_what_a_large_site_takes_all_the_time_is_not_surprising() -> None:
    known = [HourRow(BEGIN + n * HOUR_SECONDS, 900.0 * n, 900.0 * n) for n in range(5)]
    rows = [*known, HourRow(BEGIN + 5 * HOUR_SECONDS, 5_400.0, 5_400.0)]
    outlines = {"energy_import": Outline.of(known)}
    draft = Draft.of({"energy_import": rows}, {"energy_import": known}, outlines, 200.0)
    assert not draft.is_surprising


def test_ids_are_valid_for_home_assistant() -> None:
    assert statistic_id("5BA4-b0", "energy_import") == "onemeter:5ba4_b0_energy_import"

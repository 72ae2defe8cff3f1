"""Which registers feed a series, and from when on: what follows from the readings themselves."""

import pytest

from onemeter_cloud.history import HOUR_SECONDS, WRONG_READINGS, HourRow
from onemeter_cloud.series import (
    ENERGY_ABSOLUTE,
    ENERGY_EXPORT,
    ENERGY_IMPORT,
    ENERGY_KEYS,
    GONE_AFTER_SECONDS,
    energy_codes,
    energy_courses,
    tariff_key,
    within,
)

from .meters import (
    DAY,
    QUARTER,
    START,
    TEN_DAYS,
    Row,
    after,
    read,
    rows,
    series,
    time_of,
    totals,
    without,
)

T1, T2 = tariff_key("1"), tariff_key("2")
STEPS = TEN_DAYS - 1


def keys(of_rows: list[Row], main_register: str | None = "15_8_0") -> set[str]:
    """Return the series that there are."""
    return set(energy_courses(read(of_rows), main_register))


# Which series there are


def test_import_export_and_absolute_energy_are_what_their_registers_count() -> None:
    meter = rows(9, {"1_8_0": (10.0, 0.5), "2_8_0": (20.0, 0.25), "15_8_0": (30.0, 0.75)})
    assert totals(meter) == {ENERGY_IMPORT: 4.0, ENERGY_EXPORT: 2.0, ENERGY_ABSOLUTE: 6.0}


def test_absolute_energy_is_no_series_where_import_has_its_own_register_as_the_main_one() -> None:
    meter = rows(9, {"1_8_0": (10.0, 0.5), "15_8_0": (30.0, 0.75)})
    assert keys(meter, "1_8_0") == {ENERGY_IMPORT}
    assert keys(meter, None) == {ENERGY_IMPORT}


@pytest.mark.parametrize("code", ["15_8_0", "F_8_0", "9_9_9"])
def test_without_its_register_import_is_the_main_one(code: str) -> None:
    assert totals(rows(9, {code: (10.0, 0.5)}), code) == {ENERGY_IMPORT: 4.0}


@pytest.mark.parametrize("code", ["15_8_0", "F_8_0"])
def test_a_device_that_names_no_main_register_counts_import_with_what_there_is(code: str) -> None:
    assert totals(rows(9, {code: (10.0, 0.5)}), None) == {ENERGY_IMPORT: 4.0}


def test_a_meter_that_only_exports_has_no_import() -> None:
    assert keys(rows(9, {"2_8_0": (10.0, 0.5)}), "2_8_0") == {ENERGY_EXPORT}


def test_what_counts_all_energy_is_no_import_where_the_main_register_is_export() -> None:
    meter = rows(9, {"2_8_0": (10.0, 0.5), "15_8_0": (10.0, 0.5)})
    assert keys(meter, "2_8_0") == {ENERGY_EXPORT}


@pytest.mark.parametrize("meter", [[], rows(9, {"16_7_0": (0.4, 0.0)})])
def test_without_energy_there_are_no_series(meter: list[Row]) -> None:
    assert keys(meter) == set()


def test_a_meter_s_no_value_is_no_register() -> None:
    meter = rows(9, {"1_8_0": (42949672.95, 0.0), "15_8_0": (10.0, 0.5)})
    assert totals(meter) == {ENERGY_IMPORT: 4.0}


@pytest.mark.parametrize("count", [1, 4, 5, 30])
@pytest.mark.parametrize("nothing", [42949672.95, "42949672.95", 4294967295, 429496729.5])
def test_a_meter_s_no_value_changes_nothing_however_often_it_comes(
    count: int, nothing: float | str
) -> None:
    meter = rows(100, {"1_8_0": (10.0, 0.5), "15_8_0": (30.0, 0.75)})
    for row in meter[40 : 40 + count]:
        row["1_8_0"] = nothing
    assert totals(meter)[ENERGY_IMPORT] == 49.5


@pytest.mark.parametrize("main_register", [None, "1_8_0", "2_8_0", "15_8_0", "F_8_0", "9_8_0"])
def test_all_registers_that_can_ever_feed_a_series_are_asked_for(main_register: str | None) -> None:
    codes = energy_codes(main_register)
    assert {"1_8_0", "1_8_1", "1_8_4", "2_8_0"} <= set(codes)
    assert len(codes) == len(set(codes))
    if main_register is not None:
        assert main_register in codes
    every = rows(9, dict.fromkeys(codes, (10.0, 0.5)))
    assert keys(every, main_register) <= set(ENERGY_KEYS)


# Registers that come and go


ABSOLUTE_ONLY = rows(TEN_DAYS, {"15_8_0": (100.0, 0.08)})


def test_a_meter_that_comes_to_tell_import_apart_loses_nothing() -> None:
    registers = {"15_8_0": (100 + 0.08 * TEN_DAYS, 0.08), "1_8_0": (60, 0.05), "2_8_0": (40, 0.03)}
    told_apart = rows(TEN_DAYS, registers, start=after(ABSOLUTE_ONLY))
    assert totals(ABSOLUTE_ONLY + told_apart) == {
        ENERGY_IMPORT: round(TEN_DAYS * 0.08 + STEPS * 0.05, 2),
        ENERGY_EXPORT: round(STEPS * 0.03, 2),
        ENERGY_ABSOLUTE: round((TEN_DAYS + STEPS) * 0.08, 2),
    }


def test_a_new_meter_with_two_ways_goes_on_where_the_old_one_ended() -> None:
    registers = {"15_8_0": (0.0, 0.08), "1_8_0": (0.0, 0.05), "2_8_0": (0.0, 0.03)}
    two_ways = rows(TEN_DAYS, registers, start=after(ABSOLUTE_ONLY))
    assert totals(ABSOLUTE_ONLY + two_ways) == {
        ENERGY_IMPORT: round(STEPS * 0.08 + STEPS * 0.05, 2),
        ENERGY_EXPORT: round(STEPS * 0.03, 2),
        ENERGY_ABSOLUTE: round(2 * STEPS * 0.08, 2),
    }


def test_a_new_meter_with_the_absolute_register_alone_goes_on_where_the_old_one_ended() -> None:
    two_ways = rows(TEN_DAYS, {"15_8_0": (900, 0.08), "1_8_0": (500, 0.05), "2_8_0": (400, 0.03)})
    one_way = rows(TEN_DAYS, {"15_8_0": (3.0, 0.08)}, start=after(two_ways))
    assert totals(two_ways + one_way) == {
        ENERGY_IMPORT: round(STEPS * 0.05 + STEPS * 0.08, 2),
        ENERGY_EXPORT: round(STEPS * 0.03, 2),
        ENERGY_ABSOLUTE: round(2 * STEPS * 0.08, 2),
    }


@pytest.mark.parametrize("main_register", [None, "F_8_0", "15_8_0"])
@pytest.mark.parametrize(("old", "new"), [("F_8_0", "15_8_0"), ("15_8_0", "F_8_0")])
def test_an_absolute_register_that_gets_another_name_counts_on(
    main_register: str | None, old: str, new: str
) -> None:
    before = rows(TEN_DAYS, {old: (100.0, 0.08)})
    later = rows(TEN_DAYS, {new: (176.8, 0.08)}, start=after(before))
    assert totals(before + later, main_register) == {ENERGY_IMPORT: round(2 * STEPS * 0.08, 2)}


def test_the_sum_of_the_past_stays_when_another_register_begins() -> None:
    registers = {"15_8_0": (176.8, 0.08), "1_8_0": (60.0, 0.05)}
    told_apart = rows(TEN_DAYS, registers, start=after(ABSOLUTE_ONLY))
    before = series(ABSOLUTE_ONLY)[ENERGY_IMPORT]
    assert series(ABSOLUTE_ONLY + told_apart)[ENERGY_IMPORT][: len(before) - 1] == before[:-1]


def test_a_register_that_stays_away_is_gone_after_a_day() -> None:
    both = rows(TEN_DAYS, {"15_8_0": (100.0, 0.08), "1_8_0": (60.0, 0.05)})
    alone = rows(TEN_DAYS, {"15_8_0": (176.8, 0.08)}, start=after(both))
    steps = GONE_AFTER_SECONDS // QUARTER
    assert totals(both + alone[:steps])[ENERGY_IMPORT] == round(STEPS * 0.05, 2)
    assert totals(both + alone[: steps + 1])[ENERGY_IMPORT] == round(
        STEPS * 0.05 + (steps + 1) * 0.08, 2
    )


def test_a_register_that_comes_back_tells_itself_what_it_counted_meanwhile() -> None:
    meter = rows(3 * TEN_DAYS, {"15_8_0": (100.0, 0.08), "1_8_0": (60.0, 0.05)})
    meter[TEN_DAYS : 2 * TEN_DAYS] = without(meter[TEN_DAYS : 2 * TEN_DAYS], "1_8_0")
    assert totals(meter)[ENERGY_IMPORT] == round((3 * TEN_DAYS - 1) * 0.05, 2)


def test_what_another_meter_alone_told_before_a_register_came_back_on_a_third_counts() -> None:
    first = rows(TEN_DAYS, {"1_8_0": (500.0, 0.05), "15_8_0": (900.0, 0.08)})
    second = rows(TEN_DAYS, {"15_8_0": (3.0, 0.08)}, start=after(first))
    third = rows(TEN_DAYS, {"1_8_0": (0.0, 0.05), "15_8_0": (0.0, 0.08)}, start=after(second))
    assert totals(first + second + third) == {
        ENERGY_IMPORT: round(STEPS * (0.05 + 0.08 + 0.05), 2),
        ENERGY_ABSOLUTE: round(3 * STEPS * 0.08, 2),
    }


@pytest.mark.parametrize("serials", [("111", "222", "333"), (None, None, None)])
def test_what_came_between_two_meters_with_one_register_counts(
    serials: tuple[str | None, ...],
) -> None:
    first = rows(TEN_DAYS, {"15_8_0": (900.0, 0.08)}, C_1_0=serials[0])
    second = rows(TEN_DAYS, {"F_8_0": (700.0, 0.08)}, start=after(first), C_1_0=serials[1])
    registers = {"1_8_0": (0.0, 0.05), "15_8_0": (100.0, 0.08)}
    third = rows(TEN_DAYS, registers, start=after(second), C_1_0=serials[2])
    assert totals(first + second + third)[ENERGY_IMPORT] == round(STEPS * (0.16 + 0.05), 2)


# Readings that hold some registers only


@pytest.mark.parametrize("count", [1, 2, 4, 50])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_readings_without_a_register_are_none_of_it(count: int, place: str) -> None:
    meter = rows(TEN_DAYS, {"1_8_0": (10.0, 0.05), "15_8_0": (50.0, 0.08)})
    begin = {"first": 0, "middle": 500, "last": TEN_DAYS - count}[place]
    meter[begin : begin + count] = without(meter[begin : begin + count], "1_8_0")
    known = {
        "first": (STEPS - count) * 0.05 + count * 0.08,  # the other register told of that
        "middle": STEPS * 0.05,
        "last": (STEPS - count) * 0.05,  # until the register is read again, or is gone
    }
    assert totals(meter)[ENERGY_IMPORT] == round(known[place], 2)


def test_one_reading_without_import_changes_no_hour_of_it() -> None:
    meter = rows(TEN_DAYS, {"1_8_0": (10.0, 0.05), "15_8_0": (50.0, 0.08)})
    partial = [*meter[:501], *without(meter[501:502], "1_8_0"), *meter[502:]]
    assert series(partial) == series(meter)
    assert totals([*meter, *without(rows(1, {"15_8_0": (126.8, 0)}, start=after(meter)))]) == (
        totals(meter) | {ENERGY_ABSOLUTE: round(TEN_DAYS * 0.08, 2)}
    )


def test_a_tariff_that_every_second_reading_lacks_is_one_all_the_same() -> None:
    meter = rows(101, {"1_8_0": (10.0, 0.5), "1_8_1": (5.0, 0.25), "1_8_2": (5.0, 0.25)})
    meter[1::2] = without(meter[1::2], "1_8_2")
    assert totals(meter) == {ENERGY_IMPORT: 50.0, T1: 25.0, T2: 25.0}


def few_often_and_all_rarely() -> list[Row]:
    """Return ten days of a reader that broadcasts import with every fourth reading only."""
    meter = rows(TEN_DAYS, {"1_8_0": (1000.0, 0.05), "15_8_0": (1500.0, 0.08)})
    return [
        row if number % 4 == 0 else without([row], "1_8_0")[0] for number, row in enumerate(meter)
    ]


RARELY = round((TEN_DAYS - 4) * 0.05, 2)


def test_a_register_that_is_read_rarely_is_not_helped_out_for_between() -> None:
    assert totals(few_often_and_all_rarely()) == {
        ENERGY_IMPORT: RARELY,
        ENERGY_ABSOLUTE: round(STEPS * 0.08, 2),
    }


@pytest.mark.parametrize("wrong", [0.0, 3.0, 1019.98, 1023.0, 77_777.0])
def test_nor_while_one_of_its_readings_is_wrong(wrong: float) -> None:
    meter = few_often_and_all_rarely()
    meter[400]["1_8_0"] = wrong  # 1020.00
    assert totals(meter)[ENERGY_IMPORT] == RARELY


@pytest.mark.parametrize("seconds", [-DAY, -7260, -3600, 3600, 7260, DAY])
def test_nor_while_one_of_its_readings_tells_of_another_time(seconds: int) -> None:
    meter = few_often_and_all_rarely()
    meter[400]["date"] = time_of(meter[400]) + seconds
    assert totals(meter)[ENERGY_IMPORT] == RARELY


def test_nor_when_it_starts_again_after_its_last_digit() -> None:
    meter = few_often_and_all_rarely()
    for row in meter[::4]:
        value = row["1_8_0"]
        assert isinstance(value, float)
        row["1_8_0"] = round((value + 98_980.0) % 100_000, 2)
    assert totals(meter)[ENERGY_IMPORT] == RARELY


# Tariffs


TWO_TARIFFS = rows(TEN_DAYS, {"1_8_0": (10.0, 0.05), "1_8_1": (5.0, 0.02), "1_8_2": (5.0, 0.03)})


@pytest.mark.parametrize("new", [{}, {"1_8_2": (0.0, 0.0)}], ids=["absent", "zero"])
def test_tariffs_stay_when_the_next_meter_has_one(new: dict[str, tuple[float, float]]) -> None:
    registers = {"1_8_0": (0.0, 0.05), "1_8_1": (0.0, 0.05), **new}
    one_tariff = rows(TEN_DAYS, registers, start=after(TWO_TARIFFS))
    assert totals(TWO_TARIFFS + one_tariff, "1_8_0") == {
        ENERGY_IMPORT: round(2 * STEPS * 0.05, 2),
        T1: round(STEPS * (0.02 + 0.05), 2),
        T2: round(STEPS * 0.03, 2),
    }


def test_tariffs_stay_when_the_next_meter_has_none() -> None:
    none = rows(TEN_DAYS, {"15_8_0": (0.0, 0.05)}, start=after(TWO_TARIFFS))
    assert totals(TWO_TARIFFS + none) == {
        ENERGY_IMPORT: round(2 * STEPS * 0.05, 2),
        ENERGY_ABSOLUTE: round(STEPS * 0.05, 2),
        T1: round(STEPS * 0.02, 2),
        T2: round(STEPS * 0.03, 2),
    }


def test_tariffs_are_counted_beside_the_register_that_counts_import() -> None:
    absolute = rows(
        TEN_DAYS, {"15_8_0": (10.0, 0.05), "15_8_1": (5.0, 0.02), "15_8_2": (5.0, 0.03)}
    )
    two_ways = rows(
        TEN_DAYS,
        {"1_8_0": (0.0, 0.05), "1_8_1": (0.0, 0.04), "1_8_2": (0.0, 0.01), "15_8_1": (0.0, 0.07)},
        start=after(absolute),
    )
    made = totals(absolute + two_ways)
    assert (made[T1], made[T2]) == (round(STEPS * 0.06, 2), round(STEPS * 0.04, 2))


@pytest.mark.parametrize("second", [{}, {"1_8_2": (0.0, 0.0)}])
def test_a_single_tariff_is_no_tariff(second: dict[str, tuple[float, float]]) -> None:
    assert keys(rows(9, {"1_8_0": (3, 1), "1_8_1": (3, 1), **second})) == {ENERGY_IMPORT}


def test_a_tariff_that_is_expected_is_there_as_soon_as_it_is_read() -> None:
    meter = rows(9, {"1_8_0": (3, 1), "1_8_1": (3, 1), "1_8_2": (0, 0)})
    assert totals(meter, expected={T2, tariff_key("4")}) == {ENERGY_IMPORT: 8.0, T2: 0.0}


# Another meter, by its serial number


@pytest.mark.parametrize("more", [5153.0, 1.0, 0.0, -1.0, -1000.0])
@pytest.mark.parametrize("told_late", [0, 1, WRONG_READINGS, 20])
def test_another_serial_number_is_another_meter_whatever_it_shows(
    more: float, told_late: int
) -> None:
    old = rows(TEN_DAYS, {"1_8_0": (1000.0, 0.05)}, C_1_0=111)
    shown = 1000.0 + STEPS * 0.05 + more
    new = rows(TEN_DAYS, {"1_8_0": (shown, 0.05)}, start=after(old) + DAY, C_1_0="222")
    new[:told_late] = without(new[:told_late], "C_1_0")
    energy = totals(old + new, "1_8_0", limit_kw=14.0)[ENERGY_IMPORT]
    known = 2 * STEPS * 0.05
    if told_late and more in {0.0, 1.0}:
        # The old meter can have got there: it ends where the new one is told, and not before.
        assert known - 0.05 <= energy + 1e-6
        assert energy <= known + more + 0.05
    else:
        assert energy == round(known, 2)


def test_a_serial_number_that_is_told_once_a_day_is_enough() -> None:
    old = rows(TEN_DAYS, {"1_8_0": (1000.0, 0.05)}, C_1_0=111)
    new = rows(TEN_DAYS, {"1_8_0": (6200.0, 0.05)}, start=after(old), C_1_0=222)
    told = [
        row if number % 96 == 7 else without([row], "C_1_0")[0]
        for number, row in enumerate(old + new)
    ]
    assert totals(told, "1_8_0") == {ENERGY_IMPORT: round(2 * STEPS * 0.05, 2)}


def test_the_rows_of_another_meter_tell_its_register_and_the_sum_of_all() -> None:
    old = rows(9, {"1_8_0": (10.0, 0.5)}, C_1_0=111)
    new = rows(9, {"1_8_0": (6000.0, 0.5)}, start=START + 3 * HOUR_SECONDS, C_1_0=222)
    assert series(old + new, "1_8_0")[ENERGY_IMPORT] == [
        HourRow(START, 12.0, 2.0),
        HourRow(START + HOUR_SECONDS, 14.0, 4.0),
        HourRow(START + 2 * HOUR_SECONDS, 6000.0, 4.0),
        HourRow(START + 3 * HOUR_SECONDS, 6002.0, 6.0),
        HourRow(START + 4 * HOUR_SECONDS, 6004.0, 8.0),
    ]


@pytest.mark.parametrize("wrong", [0.0, 77.0, 99_999.0])
def test_a_wrong_reading_does_not_tell_where_the_other_meter_begins(wrong: float) -> None:
    old = rows(TEN_DAYS, {"1_8_0": (1000.0, 0.05)}, C_1_0=111)
    new = rows(TEN_DAYS, {"1_8_0": (6200.0, 0.05)}, start=after(old), C_1_0=222)
    old[-40:], new[:40] = without(old[-40:], "C_1_0"), without(new[:40], "C_1_0")
    old[-20]["1_8_0"] = new[20]["1_8_0"] = wrong
    assert totals(old + new, "1_8_0") == {ENERGY_IMPORT: round(2 * STEPS * 0.05, 2)}


def test_a_register_that_the_old_meter_did_not_have_is_the_new_one_s_from_its_start() -> None:
    old = rows(TEN_DAYS, {"1_8_0": (1000.0, 0.05)}, C_1_0=111)
    registers = {"1_8_0": (6200.0, 0.05), "2_8_0": (50.0, 0.03)}
    new = rows(TEN_DAYS, registers, start=after(old), C_1_0=222)
    new[:40] = without(new[:40], "C_1_0")
    assert totals(old + new, "1_8_0")[ENERGY_EXPORT] == round(STEPS * 0.03, 2)


@pytest.mark.parametrize("count", range(1, WRONG_READINGS + 1))
@pytest.mark.parametrize("misread", ["11", 999, "x"])
def test_a_serial_number_that_is_misread_for_a_while_is_no_other_meter(
    count: int, misread: str | int
) -> None:
    meter = rows(100, {"1_8_0": (10.0, 0.5)}, C_1_0="111")
    for row in meter[50 : 50 + count]:
        row["C_1_0"] = misread
    assert len(energy_courses(read(meter), None)[ENERGY_IMPORT]) == 1


@pytest.mark.parametrize("nothing", [None, "", "  ", 0, "0000", 42949672.95, 4294967295, []])
def test_a_serial_number_that_says_nothing_is_no_other_meter(nothing: float | str | None) -> None:
    meter = rows(100, {"1_8_0": (10.0, 0.5)}, C_1_0="111")
    for row in meter[30:60]:
        row["C_1_0"] = nothing
    assert len(energy_courses(read(meter), None)[ENERGY_IMPORT]) == 1


@pytest.mark.parametrize("other", ["00111", 111, 111.0, " 111 "])
def test_one_serial_number_written_in_two_ways_is_one_meter(other: float | str) -> None:
    meter = rows(50, {"1_8_0": (10.0, 0.5)}, C_1_0="111")
    meter += rows(50, {"1_8_0": (35.0, 0.5)}, start=after(meter), C_1_0=other)
    assert totals(meter, None) == {ENERGY_IMPORT: 49.5}


def test_a_meter_can_be_replaced_twice_and_the_first_can_come_back() -> None:
    first = rows(50, {"1_8_0": (900.0, 0.5)}, C_1_0="111")
    second = rows(50, {"1_8_0": (2000.0, 0.5)}, start=after(first), C_1_0="222")
    back = rows(50, {"1_8_0": (924.5, 0.5)}, start=after(second), C_1_0="111")
    assert totals(first + second + back, None) == {ENERGY_IMPORT: 3 * 24.5}


def test_all_series_of_a_device_change_with_the_meter() -> None:
    registers = {"1_8_0": (10.0, 0.5), "2_8_0": (5.0, 0.25), "15_8_0": (15.0, 0.75)}
    old = rows(50, registers, C_1_0="111")
    much = {code: (value + 5000.0, step) for code, (value, step) in registers.items()}
    new = rows(50, much, start=after(old), C_1_0="222")
    assert totals(old + new) == {
        ENERGY_IMPORT: 49.0,
        ENERGY_EXPORT: 24.5,
        ENERGY_ABSOLUTE: 73.5,
    }


# When a history begins and ends


WRONG_TIMES = [0, 900, 86_400, 946_684_800, 946_685_700, 1_104_537_600]
"""1970, 2000 and 2005, in epoch seconds."""


@pytest.mark.parametrize("count", [1, 2, WRONG_READINGS, 50])
@pytest.mark.parametrize("wrong", WRONG_TIMES)
@pytest.mark.parametrize("installed", [None, START])
def test_readings_of_a_time_without_readers_are_none(
    count: int, wrong: int, installed: int | None
) -> None:
    meter = rows(TEN_DAYS, {"1_8_0": (10.0, 0.05)})
    lost = rows(count, {"1_8_0": (57.0, 0.0)}, start=wrong)
    assert within(read(lost + meter), installed, after(meter)) == read(meter)


def test_readings_before_the_installation_and_from_the_future_are_none() -> None:
    meter = rows(200, {"1_8_0": (10.0, 0.05)})
    installed, now = time_of(meter[50]), time_of(meter[150])
    assert within(read(meter), installed, now) == read(meter[50:151])


@pytest.mark.parametrize("count", [1, 5, 96])
def test_without_an_installation_a_few_readings_years_before_the_rest_are_none(count: int) -> None:
    meter = rows(TEN_DAYS, {"1_8_0": (10.0, 0.05)})
    lost = rows(count, {"1_8_0": (57.0, 0.0)}, start=START - 5 * 365 * DAY)
    assert within(read(lost + meter), None, after(meter)) == read(meter)


def test_a_reader_that_was_off_for_years_has_a_history_before() -> None:
    before = rows(97, {"1_8_0": (10.0, 0.05)}, start=START - 5 * 365 * DAY)
    meter = rows(TEN_DAYS, {"1_8_0": (10.0, 0.05)})
    assert within(read(before + meter), None, after(meter)) == read(before + meter)


@pytest.mark.parametrize("meter", [[], rows(3, {"1_8_0": (1.0, 0.0)}, start=946_684_800)])
def test_a_history_can_have_no_readings_that_can_be_true(meter: list[Row]) -> None:
    assert within(read(meter), None, START).times == ()

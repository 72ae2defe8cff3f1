"""`devices/{id}/export/{aggregation}/data.csv` and `.xlsx`: files for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from .conftest import DEVICE_ID, at

if TYPE_CHECKING:
    import httpx

    from onemeter_server.models.records import DeviceRecord

    from .conftest import Account

HOUR = 3600

# Midnight in Warsaw, in summer.
START = at("2024-05-22T22:00:00Z")

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
async def device(account: Account, record: DeviceRecord) -> DeviceRecord:
    """Give a device three days of hours, one of them without a reading."""
    record = replace(record, name="=Domek nad Łąką", multiplier=30)
    await account.add_device(
        record,
        *(
            (
                START + HOUR * hour,
                {"1_8_0": 100 + hour / 4, "2_8_0": 0.00001 + hour, "0_2_2": "-G11", "C_1_0": "A;B"},
            )
            for hour in range(73)
            if hour != 2
        ),
    )
    return record


async def ask(api: httpx.AsyncClient, path: str, **query: object) -> httpx.Response:
    answer = await api.get(f"devices/{DEVICE_ID}/export/{path}", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer


async def lines(api: httpx.AsyncClient, aggregation: str = "day", **query: object) -> list[str]:
    answer = await ask(api, f"{aggregation}/data.csv", **query)
    return answer.content.decode("utf-8-sig").splitlines()


async def sheet(api: httpx.AsyncClient, aggregation: str = "day", **query: object) -> list[Any]:
    """Return the rows of the only sheet of a workbook, each as a tuple of values."""
    answer = await ask(api, f"{aggregation}/data.xlsx", **query)
    book = load_workbook(io.BytesIO(answer.content))
    (only,) = book.worksheets
    return [*only.iter_rows(values_only=True)]


@pytest.mark.usefixtures("device")
async def test_csv_has_one_line_of_titles_and_registers(api: httpx.AsyncClient) -> None:
    assert await lines(api, codes="2_8_0,1_8_0") == [
        "Date;2_8_0 Energy A- (total) [kWh];1_8_0 Energy A+ (total) [kWh]",
        "2024-05-22 22:00:00;0.00001;100.0",
        "2024-05-23 22:00:00;24.00001;106.0",
        "2024-05-24 22:00:00;48.00001;112.0",
        "2024-05-25 22:00:00;72.00001;118.0",
    ]


@pytest.mark.usefixtures("device")
async def test_without_codes_csv_has_the_registers_that_count_energy(
    api: httpx.AsyncClient,
) -> None:
    titles = (await lines(api))[0].split(";")

    assert [title.split()[0] for title in titles] == ["Date", "1_8_0", "2_8_0"]


@pytest.mark.usefixtures("device")
async def test_csv_is_marked_as_utf_8_and_saved_by_its_name(api: httpx.AsyncClient) -> None:
    answer = await ask(api, "day/data.csv")

    assert answer.content.startswith(b"\xef\xbb\xbfDate")
    assert answer.headers["Content-Type"] == CSV_TYPE
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="_Domek_nad___k_-day.csv"; '
        "filename*=UTF-8''_Domek_nad_%C5%81%C4%85k%C4%85-day.csv"
    )


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"timezone": 2}, "2024-05-23 00:00:00;100.0"),
        ({"timezone": -3.5}, "2024-05-22 18:30:00;100.0"),
        ({"locale": "pl"}, "2024-05-22 22:00:00;100,0"),
        ({"locale": "pl", "decimalSeparator": "."}, "2024-05-22 22:00:00;100.0"),
        ({"decimalSeparator": ","}, "2024-05-22 22:00:00;100,0"),
        ({"columnSeparator": "\t"}, "2024-05-22 22:00:00\t100.0"),
        ({"columnSeparator": ",", "decimalSeparator": ","}, '2024-05-22 22:00:00,"100,0"'),
        ({"applyMultiplier": True}, "2024-05-22 22:00:00;3000.0"),
        ({"sort": "descending"}, "2024-05-25 22:00:00;118.0"),
        ({"skip": 1, "limit": 1}, "2024-05-23 22:00:00;106.0"),
    ],
)
async def test_csv_is_written_as_asked_for(
    api: httpx.AsyncClient, query: dict[str, object], expected: str
) -> None:
    assert (await lines(api, codes="1_8_0", **query))[1] == expected


@pytest.mark.usefixtures("device")
async def test_csv_speaks_polish(api: httpx.AsyncClient) -> None:
    (titles, *_) = await lines(api, codes="1_8_0", locale="pl")

    assert titles == "Data;1_8_0 Energia A+ (suma) [kWh]"


@pytest.mark.usefixtures("device")
async def test_a_hole_leaves_cells_empty_unless_it_is_patched(api: httpx.AsyncClient) -> None:
    assert (await lines(api, "hour", codes="1_8_0", limit=4))[1:] == [
        "2024-05-22 22:00:00;100.0",
        "2024-05-22 23:00:00;100.25",
        "2024-05-23 00:00:00;",
        "2024-05-23 01:00:00;100.75",
    ]
    assert (await lines(api, "hour", codes="1_8_0", patch=True))[3] == "2024-05-23 00:00:00;100.5"


@pytest.mark.usefixtures("device")
async def test_the_name_that_is_given_stands_above_csv_and_names_the_file(
    api: httpx.AsyncClient,
) -> None:
    answer = await ask(api, "day/data.csv", beaconName='Sklep "Ada"/2', codes="1_8_0")
    rows = [*csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";")]

    assert rows[0] == ['Sklep "Ada"/2']
    assert rows[1][0] == "Date"
    assert 'filename="Sklep_Ada_2-day.csv"' in answer.headers["Content-Disposition"]


@pytest.mark.usefixtures("device")
async def test_no_text_of_a_meter_or_a_user_is_a_formula(api: httpx.AsyncClient) -> None:
    query = {"codes": "0_2_2,C_1_0,=1+1", "beaconName": '=HYPERLINK("http://x.test")'}
    written = await lines(api, **query)

    assert written[0] == '"\'=HYPERLINK(""http://x.test"")"'
    assert written[1].split(";")[3].startswith("'=1+1")
    assert written[2] == '2024-05-22 22:00:00;\'-G11;"A;B";'
    rows = await sheet(api, **query)
    assert rows[0][0] == '\'=HYPERLINK("http://x.test")'
    assert rows[3][3] == "'=1+1"
    assert rows[4][1:] == ("'-G11", "A;B", None)


@pytest.mark.usefixtures("device")
async def test_four_lines_stand_above_the_rows_of_a_workbook(api: httpx.AsyncClient) -> None:
    rows = await sheet(api, codes="2_8_0,1_8_0", locale="pl", timezone=2)

    assert rows[:4] == [
        ("'=Domek nad Łąką", None, None),
        ("Stany liczydeł o północy, UTC+2", None, None),
        ("", "Energia A- (suma) [kWh]", "Energia A+ (suma) [kWh]"),
        ("Data", "2_8_0", "1_8_0"),
    ]
    assert rows[4] == (datetime(2024, 5, 23), 0.00001, 100)  # noqa: DTZ001 - Excel has no zones
    assert len(rows) == 4 + 4


@pytest.mark.usefixtures("device")
async def test_a_script_that_skips_four_rows_finds_dates_and_the_codes_in_its_order(
    api: httpx.AsyncClient,
) -> None:
    """As pandas does with `skiprows=4, header=None`; `columns` is repeated."""
    answer = await api.get(f"devices/{DEVICE_ID}/export/hour/data.xlsx?columns=2_8_0&columns=1_8_0")
    assert answer.headers["Content-Type"] == XLSX_TYPE
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    (only,) = load_workbook(io.BytesIO(answer.content)).worksheets

    begin = datetime(2024, 5, 22, 22)  # noqa: DTZ001 - Excel has no zones
    for hour, row in enumerate(only.iter_rows(min_row=5)):
        date, returned, used = row
        assert date.is_date
        assert date.value == begin + timedelta(hours=hour)
        if hour != 2:
            assert (returned.value, used.value) == (hour + 0.00001, 100 + hour / 4)
        else:
            assert (returned.value, used.value) == (None, None)
    assert hour == 72


async def test_files_of_a_long_history_have_all_of_it(
    api: httpx.AsyncClient, account: Account, record: DeviceRecord
) -> None:
    await account.add_device(
        record, *((START + 6 * HOUR * number, {"1_8_0": number}) for number in range(4 * 90 + 1))
    )

    rows = (await sheet(api, codes="1_8_0"))[4:]

    assert [value for _, value in rows] == [4 * day for day in range(91)]
    assert [float(line.split(";")[1]) for line in (await lines(api))[1:]] == [
        value for _, value in rows
    ]


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("query", [{"from": "2025-01-01"}, {"codes": "8_8_0"}, {"skip": 4}])
async def test_a_file_without_rows_is_not_found(
    api: httpx.AsyncClient, ending: str, query: dict[str, str]
) -> None:
    answer = await api.get(f"devices/{DEVICE_ID}/export/day/data.{ending}", params=query)

    assert (answer.status_code, answer.json()["message"]) == (404, "No results")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
async def test_a_device_without_readings_has_no_file(
    api: httpx.AsyncClient, account: Account, record: DeviceRecord, ending: str
) -> None:
    await account.add_device(record)

    answer = await api.get(f"devices/{DEVICE_ID}/export/day/data.{ending}")

    assert (answer.status_code, answer.json()["message"]) == (404, "No results")


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("week/data.csv", "Invalid aggregation"),
        ("week/data.xlsx", "Invalid aggregation"),
        ("day/data.csv?columnSeparator=%0A", "Invalid query params"),
        ("day/data.csv?columnSeparator=%22", "Invalid query params"),
        ("day/data.csv?columnSeparator=ab", "Invalid query params"),
        ("day/data.csv?decimalSeparator=1", "Invalid query params"),
        ("day/data.xlsx?timezone=25", "Invalid query params"),
    ],
)
async def test_what_a_file_cannot_be_is_a_bad_request(
    api: httpx.AsyncClient, path: str, message: str
) -> None:
    answer = await api.get(f"devices/{DEVICE_ID}/export/{path}")

    assert (answer.status_code, answer.json()["message"]) == (400, message)

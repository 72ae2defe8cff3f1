"""Invented meters in any number, and their readings of twelve registers from a seeded generator."""

import random
from dataclasses import dataclass, replace
from itertools import batched
from math import pi, sin
from typing import TYPE_CHECKING, Final
from uuid import UUID

from onemeter_server.demo.meters import HOUSE
from onemeter_server.feeds.intake import take_within
from onemeter_server.storage.devices import columns_of, hold_device
from onemeter_server.storage.ready import read_devices
from onemeter_server.storage.store import Store
from onemeter_server.storage.tables import DeviceRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from onemeter_server.models.records import JSON, DeviceRecord, Values
    from onemeter_server.storage.database import Database

type Reading = tuple[int, Values]

QUARTER_SECONDS: Final = 900
QUARTERS_A_DAY: Final = 96

_DEVICES_AT_ONCE: Final = 200
_COMING: Final = 4
_SEED: Final = 9
_HISTORIES: Final = 20
"""So many histories are shared by all meters of a fleet: making them is not what is measured."""

_ODD: Final[Sequence[JSON]] = (
    None,
    [],
    [1, 2.50, "a"],
    {"a": {"b": []}},
    0.1 + 0.2,
    1e-300,
    -(2**63),
    2**64 - 1,
    "zażółć \N{GRINNING FACE}",
    "007.10",
    True,
)
"""What a register that nobody knows may show; one of `_ODD_EVERY` readings has such a one."""
_ODD_EVERY: Final = 97


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """An account: its number, the key that sees its devices, and their ids.

    `coming` holds the readings that are yet to come, of each history that its meters share.
    """

    account: int
    key: str
    ids: Sequence[str]
    coming: Sequence[Sequence[Reading]]

    def push(self, place: int) -> tuple[str, Reading]:
        """Return a device's id and its next reading; places go round all devices."""
        turn, device = divmod(place, len(self.ids))
        return self.ids[device], self.coming[device % len(self.coming)][turn]


def readings_of(count: int, last: int, *, seed: int = 0, decimals: int = 2) -> list[Reading]:
    """Return so many quarter-hourly readings up to an instant: a house with a solar roof.

    Twelve registers each: seven counters with so many decimals, power, the battery's voltage, the
    tariff and the meter's number as texts, and a counter that no catalogue knows.
    """
    chance = random.Random(_SEED + seed)  # noqa: S311 - invented readings
    counters = [chance.uniform(1_000, 20_000) for _ in range(6)]
    failures = 3
    readings: list[Reading] = []
    for number in range(count):
        time = last - (count - 1 - number) * QUARTER_SECONDS
        day = time / 86_400 % 1
        use = chance.expovariate(4) + 0.03
        sun = max(0.0, sin((day - 0.25) * 2 * pi)) * chance.uniform(0.2, 0.9)
        is_peak = 0.25 < day < 0.9  # noqa: PLR2004 - the hours of an invented tariff
        for place, more in enumerate(
            (use * is_peak, use * (not is_peak), sun, use * 0.2, sun * 0.1, use + sun)
        ):
            counters[place] += more
        failures += chance.random() < 0.001  # noqa: PLR2004 - a failure in ten days
        peak, night, exported, inductive, capacitive, absolute = (
            round(counter, decimals) for counter in counters
        )
        readings.append(
            (
                time,
                {
                    "15_8_0": absolute,
                    "1_8_0": round(counters[0] + counters[1], decimals),
                    "1_8_1": peak,
                    "1_8_2": night,
                    "2_8_0": exported,
                    "5_8_0": inductive,
                    "8_8_0": capacitive,
                    "16_7_0": round((use - sun) * 4, 3),
                    "S_1_1_2": round(3.1 - number * 3e-6, 2),
                    "0_2_2": "T1" if is_peak else "T2",
                    "C_1_0": f"{56_183_920 + seed}",
                    "C_7_21": failures,
                },
            )
        )
    return readings


def with_odd_values(readings: Sequence[Reading]) -> list[Reading]:
    """Return the readings, some of them with a value that only few registers have."""
    return [
        (time, {**values, "X_1": _ODD[place // _ODD_EVERY % len(_ODD)]})
        if place % _ODD_EVERY == 0
        else (time, values)
        for place, (time, values) in enumerate(readings)
    ]


def record_of_meter(number: int) -> DeviceRecord:
    """Return what a meter of this number is."""
    return replace(
        HOUSE, id=str(UUID(int=number, version=4)), name=f"House {number}", meter_id=f"PAF{number}"
    )


async def add_fleet(
    database: Database, name: str, numbers: range, *, readings_each: int, last: int
) -> Fleet:
    """Add an account with the meters of these numbers, each with readings up to an instant.

    What is told of each is ready then, as it is where `devices/` is asked for all the time.
    """
    store = Store(database)
    account = await store.add_account(name)
    await store.add_key(account, name, key := f"the-key-of-{name}")
    end = last + _COMING * QUARTER_SECONDS
    histories = [readings_of(readings_each + _COMING, end, seed=seed) for seed in range(_HISTORIES)]
    records = [record_of_meter(number) for number in numbers]
    for some in batched(records, _DEVICES_AT_ONCE, strict=False):

        async def work(session: AsyncSession, some: Sequence[DeviceRecord] = some) -> None:
            session.add_all(DeviceRow(account_id=account, **columns_of(record)) for record in some)
            for place, record in enumerate(some):
                row = await hold_device(session, record.id)
                await take_within(session, row, histories[place % _HISTORIES][:readings_each])

        await database.write(work)
    async for _ in read_devices(database, account, last):
        pass
    return Fleet(
        account=account,
        key=key,
        ids=[record.id for record in records],
        coming=[history[readings_each:] for history in histories],
    )

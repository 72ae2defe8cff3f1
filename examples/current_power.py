"""Print what a meter shows: set ONEMETER_API_KEY, ONEMETER_DEVICE_ID and, if need be, _URL."""

import asyncio
import os

from onemeter_cloud import DEFAULT_BASE_URL, OBIS_POWER, OneMeterApiClient, OneMeterError


async def main() -> None:
    """Ask the cloud once."""
    client = OneMeterApiClient(
        os.environ["ONEMETER_DEVICE_ID"],
        os.environ["ONEMETER_API_KEY"],
        base_url=os.environ.get("ONEMETER_URL", DEFAULT_BASE_URL),
    )
    try:
        device = await client.get_device_data()
    except OneMeterError as err:
        raise SystemExit(f"{type(err).__name__}: {err}") from err
    print("Power now:  ", client.extract_device_value(device, OBIS_POWER), "kW")
    print("Meter shows:", client.extract_device_value(device, "1_8_0"), "kWh")
    print("This month: ", device.get("usage", {}).get("thisMonth"), "kWh")


asyncio.run(main())

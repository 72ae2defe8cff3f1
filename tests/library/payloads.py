"""Answers of the API as it gives them. Every name, place, number and key is invented."""

KEY = "an-invented-key-0123456789_abcdefghijklmnopqrstuvwxyz"

DEVICE_ID = "5f0c1a52-7d3e-4b8a-9c6d-2e1f0a9b8c7d"
OTHER_ID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"

PERSONAL = (
    "Zenobia",
    "Quibble",
    "zenobia@example.invalid",
    "Xerxes",
    "xerxes@example.invalid",
    "52.1234",
    "21.4321",
    "Nowhereville",
    "Freedonia",
    "00-999",
    "Imaginary Street 7",
)
"""Everything in `full_device` that says who or where somebody is."""

ABSURD_DATES: tuple[object, ...] = (
    "1970-01-01T00:00:00.000Z",
    "1970-01-01T00:15:00.000Z",
    "1970-12-31T23:59:59.999Z",
    "1999-12-31T23:59:59.999Z",
    "2100-01-01T00:00:00.000Z",
    "2155-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    0,
    1,
    900.5,
    86_400,
    "900",
    4_102_444_800,
    4_102_444_800_000,
    1e300,
    10**400,
    -1,
    None,
    True,
    "",
    "yesterday",
    [],
    {},
)
"""What a reader or a server without a clock gives for a date."""

NO_NUMBERS: tuple[object, ...] = (
    None,
    True,
    False,
    "",
    "text",
    "NaN",
    "1e999",
    "9" * 5000,
    10**400,
    -(10**400),
    float("nan"),
    float("inf"),
    [],
    [1.5],
    {},
    {"value": 1.5},
)
"""What stands where a number belongs, and is none."""

SHORT_DEVICE = {
    "lastReading": {"OBIS": {"15_8_0": 1234.56, "S_1_1_2": 2.86}},
    "usage": {"thisMonth": 101.5, "previousMonth": 250.25},
}
"""As short as the vendor's documentation shows a device."""


def full_device(device_id: str = DEVICE_ID) -> dict[str, object]:
    """Return a device with every field of the API's description, fresh for each caller."""
    return {
        "_id": device_id,
        "SN": "0123456789abcdef0123456789abcdef",
        "MAC": "00:00:5e:00:53:01",
        "info": {
            "name": "Cellar",
            "manufacturer": "ZPA",
            "protocol": "IEC",
            "GPSCoords": {"latitude": 52.1234, "longitude": 21.4321},
            "location": {
                "city": "Nowhereville",
                "country": "Freedonia",
                "postal": "00-999",
                "street": "Imaginary Street 7",
            },
        },
        "meteringPoint": {"meterID": "PAF00000001"},
        "config": {
            "multiplier": 10,
            "usageKeys": {"activeEnergy": "15_8_0"},
            "contract": {
                "distributionTariff": {"name": "G11", "zones": [{"name": "all day"}]},
                "contractedPowerLimit": 12.5,
            },
        },
        "lastReading": {
            "date": "2024-05-23T07:00:00.000Z",
            "OBIS": {
                "1_8_0": 100.5,
                "2_8_0": 20.25,
                "15_8_0": 120.75,
                "5_8_0": "7.5",
                "16_7_0": 0.4,
                "1_6_0": 3.2,
                "1_2_1": 40.0,
                "32_7_0": 231.5,
                "0_2_2": "G11",
                "C_1_0": 12345678,
                "S_1_1_2": 2.86,
                "S_1_1_4": "2024-05-23T07:00:02.000Z",
                "S_1_1_7": [3, 1],
                "S_1_1_9": 18.5,
                "S_1_1_16": ["LOW_BATTERY_VOLTAGE"],
            },
            "updatedAt": {
                "1_8_0": "2024-05-23T07:00:00.000Z",
                "LAST_READOUT_INCORRECT": "2024-05-22T23:15:00.000Z",
            },
            "flags": ["LAST_READOUT_INCORRECT"],
            "BATTERY_VOLTAGE": 2.87,
            "BATTERY_PC": 88,
            "BATTERY_STATUS": "OK",
            "source": "mqtt",
            "meterID": "PAF00000001",
        },
        "initialReading": {"date": "2023-01-01T00:00:00.000Z", "OBIS": {"15_8_0": 1.0}},
        "usage": {
            "thisMonth": 10.5,
            "previousMonth": 20.5,
            "lastHour": 0.25,
            "fullTime": 1197.5,
            "projection": 31.5,
            "projectionFillRatio": 0.74,
        },
        "production": {"thisMonth": 1.5, "previousMonth": None, "lastHour": 0, "fullTime": 202.5},
        "firmware": {"currentVersion": "2.1.0"},
        "hardware": {"version": "1.3"},
        "timezone": {"name": "Europe/Warsaw"},
        "meta": {
            "15_8_0": {
                "key": "15_8_0",
                "unit": "kWh",
                "category": "energy",
                "subcategory": "active",
                "constant": False,
                "description": {"short": "|A|", "long": "Absolute active energy"},
            }
        },
        "type": "standard",
        "disabled": False,
        "disabledAt": None,
        "tags": [],
        "own": True,
        "public": False,
        "negativeEnergyExists": True,
        "owner": {
            "firstName": "Zenobia",
            "lastName": "Quibble",
            "email": "zenobia@example.invalid",
        },
        "users": [{"name": "Xerxes", "email": "xerxes@example.invalid"}],
    }

"""The document of the API: OpenAPI, for everybody, and true of the answers of real devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from onemeter_server.api.profiles import ProfileType
from onemeter_server.demo.meters import FLAT_ID, HOUSE_ID

from .conftest import DEVICE_ID, asking
from .demo_account import add_demo_devices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx
    from fastapi import FastAPI

    from onemeter_server.models.records import DeviceRecord

    from .conftest import Account

PATH = "openapi.json"


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


async def test_it_is_for_everybody_also_without_a_key(
    app: FastAPI, document: Mapping[str, Any]
) -> None:
    async with asking(app, key=None) as stranger:
        answer = await stranger.get(PATH)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == document


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_it_says_that_each_operation_takes_the_bare_key(document: Mapping[str, Any]) -> None:
    (name, scheme), *others = document["components"]["securitySchemes"].items()

    assert not others
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "Authorization")
    assert [operation["security"] for operation in operations(document)] == [[{name: []}]] * len(
        list(operations(document))
    )


def test_each_operation_has_a_name_a_tag_that_is_described_and_words(
    document: Mapping[str, Any],
) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    all_of_them = list(operations(document))

    assert len({operation["operationId"] for operation in all_of_them}) == len(all_of_them)
    for operation in all_of_them:
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        assert operation["description"]
    assert {tag for operation in all_of_them for tag in operation["tags"]} == tags


def test_each_parameter_is_described_and_can_be_written(document: Mapping[str, Any]) -> None:
    for operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert parameter["description"]
            assert "null" not in str(parameter["schema"])


def test_each_field_of_each_shape_is_described(document: Mapping[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    undescribed = [
        f"{name}.{field}"
        for name, shape in shapes.items()
        for field, about in shape.get("properties", {}).items()
        if "description" not in about and "description" not in shapes[about["$ref"].split("/")[-1]]
    ]

    assert not undescribed


def test_errors_have_one_shape_and_examples(document: Mapping[str, Any]) -> None:
    for operation in operations(document):
        refusals = {
            status: answer for status, answer in operation["responses"].items() if status != "200"
        }
        assert {"401", "429"} <= set(refusals) <= {"400", "401", "404", "429"}
        for status, answer in refusals.items():
            content = answer["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Error"}
            told = [example["value"] for example in content["examples"].values()]
            assert told
            assert {error["statusCode"] for error in told} == {int(status)}


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("devices", "Devices"),
        (f"devices/{HOUSE_ID}", "Device"),
        (f"devices/{FLAT_ID}", "Device"),
        (f"devices/{HOUSE_ID}/readings", "Readings"),
        (f"devices/{FLAT_ID}/readings?codes=15_8_0&limit=2&locale=pl", "Readings"),
        *(
            (f"devices/{HOUSE_ID}/export/{kind}/{aggregation}/data?addLastUsage=true", "Readings")
            for kind in ("readings", "usages")
            for aggregation in ("quarter", "hour", "day")
        ),
        *(
            (f"devices/{FLAT_ID}/usageProfile/{kind}?to=2024-05-21", "UsageProfile")
            for kind in ProfileType
        ),
        (f"devices/{HOUSE_ID}/report/summary?from=2024-05-19&to=2024-05-21", "Summary"),
        ("devices/1", "Error"),
        (f"devices/{DEVICE_ID}", "Error"),
    ],
)
async def test_answers_about_real_meters_have_the_shapes_that_it_describes(
    account: Account, api: httpx.AsyncClient, document: dict[str, Any], path: str, shape: str
) -> None:
    await add_demo_devices(account.number, account.store, account.intake)

    answer = (await api.get(path)).json()

    assert list(differences(document, shape, answer)) == []


async def test_a_device_that_was_never_read_has_the_shape_too(
    account: Account, api: httpx.AsyncClient, document: dict[str, Any], record: DeviceRecord
) -> None:
    await account.store.add_device(account.number, record)

    answer = (await api.get(f"devices/{record.id}")).json()

    assert list(differences(document, "Device", answer)) == []


def test_a_field_that_is_not_described_would_be_a_difference(document: dict[str, Any]) -> None:
    answer = {"status": "error", "error": "A", "message": "B", "statusCode": 400}

    assert list(differences(document, "Error", answer)) == []
    assert list(differences(document, "Error", answer | {"more": 1}))
    assert list(differences(document, "Error", answer | {"statusCode": "400"}))


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all operations of a document."""
    for path in document["paths"].values():
        yield from path.values()


def differences(document: dict[str, Any], shape: str, answer: object) -> Iterator[str]:
    """Yield what an answer has that a shape does not say, and what it says and the answer lacks."""
    schemas = document["components"]["schemas"].items()
    closed = {"components": {"schemas": {name: _closed(schema) for name, schema in schemas}}}
    registry = Registry().with_resource("document:", DRAFT202012.create_resource(closed))
    validator = Draft202012Validator(
        {"$ref": f"document:#/components/schemas/{shape}"},
        registry=registry,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    for error in validator.iter_errors(answer):
        yield f"{error.json_path}: {error.message}"


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a shape that has no other fields than those that it names."""
    return {"additionalProperties": False, **schema} if "properties" in schema else dict(schema)

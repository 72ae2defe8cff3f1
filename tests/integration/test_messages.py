"""What people are told of an error is in their language, to the last word but the server's."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers import translation as translations
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import ssl

from custom_components.onemeter.const import DOMAIN
from custom_components.onemeter.errors import (
    SPEAKING_KINDS,
    action_error,
    error_text,
    update_error,
    wording_of,
)
from custom_components.onemeter.onemeter_cloud import ErrorKind, account
from custom_components.onemeter.onemeter_cloud.errors import SENTENCES
from tests.validation.files import LANGUAGES, placeholders, translation
from tests.validation.messages import WORDS_OF_THE_SERVER, errors_of_the_library

from .clockwork import live_through, settle
from .faults import Fault, FaultyCloud, readings
from .local_cloud import HOUSE_ID, LocalCloud
from .registry import registered_device

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.typing import WebSocketGenerator

    from .conftest import MakeEntry

QUOTES = {"en": '""', "pl": "„”", "cs": "„“", "de": "„“"}

# What a Polish owner reads, fault by fault.
IN_POLISH = {
    Fault.UNAUTHORIZED: (
        "Serwer nie przyjmuje klucza (HTTP 401). Komunikat serwera: „Authorization failed”"
    ),
    Fault.FORBIDDEN: "Serwer nie przyjmuje klucza (HTTP 403). Komunikat serwera: „Forbidden”",
    Fault.UNAUTHORIZED_WITH_THE_KEY: (
        "Serwer nie przyjmuje klucza (HTTP 401). Komunikat serwera: „The key *** is not welcome”"
    ),
    Fault.TOO_MANY_FOR_SECONDS: (
        "Serwer otrzymał zbyt wiele zapytań. Następne zapytanie musi poczekać 600 s."
        " Komunikat serwera: „Too many”"
    ),
    Fault.INTERNAL_ERROR: (
        "Serwer nie może teraz odpowiedzieć (HTTP 500). Komunikat serwera: „Internal Server Error”"
    ),
    Fault.BAD_GATEWAY: "Serwer nie może teraz odpowiedzieć (HTTP 502).",
    Fault.UNAVAILABLE_FOR_SECONDS: (
        "Serwer nie może teraz odpowiedzieć (HTTP 503). Komunikat serwera: „Service Unavailable”"
    ),
    Fault.REFUSED: "Brak połączenia z serwerem.",
    Fault.UNTRUSTED_CERTIFICATE: (
        "Nie można nawiązać bezpiecznego połączenia z serwerem: jego certyfikat nie jest zaufany"
        " albo serwer nie obsługuje https."
    ),
    Fault.RESET_IN_THE_BODY: (
        "Połączenie z serwerem zostało przerwane, zanim nadeszła cała odpowiedź."
    ),
    Fault.TRUNCATED: "Połączenie z serwerem zostało przerwane, zanim nadeszła cała odpowiedź.",
    Fault.STALL: "Serwer nie odpowiedział na czas.",
    Fault.REDIRECT_302: "Serwer odsyła pod inny adres (HTTP 302).",
    Fault.HUGE_BODY: "Odpowiedź serwera jest większa niż 64 MiB.",
    Fault.WEB_PAGE: (
        "Odpowiedź serwera nie jest w formacie JSON: pod tym adresem odpowiada coś innego"
        " niż API OneMeter Cloud."
    ),
    Fault.OTHER_OBJECT: "Odpowiedź serwera nie opisuje urządzenia.",
    Fault.ANOTHER_DEVICE: "Odpowiedź serwera dotyczy innego urządzenia.",
}


@pytest.fixture
async def faulty(
    cloud: LocalCloud,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[FaultyCloud]:
    """The cloud behind one that can go wrong; time passes while an answer is held back."""
    https = getattr(request, "param", False)
    async with FaultyCloud.before(cloud, https=https, pass_time=freezer.tick) as faulty:
        if faulty.certificate is not None:
            context = await asyncio.to_thread(faulty.certificate.client)
            monkeypatch.setattr(ssl, "client_context", lambda *_: context)
        yield faulty


@pytest.fixture
def polish(hass: HomeAssistant) -> None:
    """A home in Poland."""
    hass.config.language = "pl"


def as_shown(error: Any, language: str = "pl") -> str:
    """Return what Home Assistant's pages make of an exception, in their reader's language."""
    assert error.translation_domain == DOMAIN
    text = translation(language)["exceptions"][error.translation_key]["message"]
    return str(text.format(**(error.translation_placeholders or {})))


async def refresh(hass: HomeAssistant) -> str:
    """Press the button, which has to fail; return what its owner is shown."""
    entity_id = er.async_get(hass).async_get_entity_id("button", DOMAIN, f"{HOUSE_ID}_refresh")
    with pytest.raises(HomeAssistantError) as raised:
        await hass.services.async_call("button", "press", {"entity_id": entity_id}, blocking=True)
    return as_shown(raised.value)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_kind_is_told_in_every_language(hass: HomeAssistant, language: str) -> None:
    hass.config.language = language
    await async_get_translations(hass, language, "exceptions", {DOMAIN})
    opening, closing = QUOTES[language]
    for err in errors_of_the_library():
        shown = {
            error_text(hass, err),
            as_shown(action_error(err), language),
            as_shown(update_error(err), language),
        }
        assert len(shown) == 1
        (text,) = shown
        speaks = err.server_message is not None and err.kind in SPEAKING_KINDS
        assert text.endswith(f"{opening}{WORDS_OF_THE_SERVER}{closing}") is speaks
        ours = text.replace(WORDS_OF_THE_SERVER, "")
        assert placeholders(ours) == set()
        assert all(str(figure) in ours for figure in err.figures.values())
        if language != "en":
            assert SENTENCES[err.kind].format(**err.figures) not in text
            assert "server says" not in text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_is_not_the_librarys_is_told_without_its_english_words(
    hass: HomeAssistant, language: str
) -> None:
    hass.config.language = language
    await async_get_translations(hass, language, "exceptions", {DOMAIN})
    text = error_text(hass, RuntimeError("dictionary changed size during iteration"))
    assert text == translation(language)["exceptions"]["unexpected"]["message"]


async def test_a_language_that_is_not_there_is_english(hass: HomeAssistant) -> None:
    hass.config.language = "fr"
    await async_get_translations(hass, "fr", "exceptions", {DOMAIN})
    for err in errors_of_the_library():
        assert error_text(hass, err) == as_shown(action_error(err), "en")


def test_every_kind_has_a_wording_of_its_own() -> None:
    wordings = [wording_of(err) for err in errors_of_the_library()]
    keys = {wording.key for wording in wordings}
    assert keys == {*ErrorKind, *(f"{kind}_with_words" for kind in SPEAKING_KINDS)}


@pytest.mark.usefixtures("polish")
@pytest.mark.parametrize(
    ("faulty", "fault"),
    [(fault.needs_https, fault) for fault in IN_POLISH],
    ids=lambda value: value.name.lower() if isinstance(value, Fault) else "",
    indirect=["faulty"],
)
async def test_a_fault_is_told_to_a_polish_owner_in_polish(
    hass: HomeAssistant, faulty: FaultyCloud, make_entry: MakeEntry, fault: Fault
) -> None:
    entry = make_entry(faulty, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    faulty.fault = fault

    assert await refresh(hass) == IN_POLISH[fault]


@pytest.mark.usefixtures("polish")
@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault.UNAUTHORIZED, ConfigEntryState.SETUP_ERROR),
        (Fault.BAD_GATEWAY, ConfigEntryState.SETUP_RETRY),
        (Fault.WEB_PAGE, ConfigEntryState.SETUP_RETRY),
    ],
)
async def test_an_account_that_cannot_start_says_why_in_polish(
    hass: HomeAssistant,
    faulty: FaultyCloud,
    make_entry: MakeEntry,
    fault: Fault,
    state: ConfigEntryState,
) -> None:
    faulty.fault = fault
    entry = make_entry(faulty, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is state
    text = translation("pl")["exceptions"][entry.error_reason_translation_key]["message"]
    assert text.format(**(entry.error_reason_translation_placeholders or {})) == IN_POLISH[fault]


@pytest.mark.usefixtures("polish")
async def test_a_spent_budget_is_told_in_polish_by_the_button_and_by_actions(
    recorder_mock: None,
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    hass_ws_client: WebSocketGenerator,
) -> None:
    await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    await settle(hass, freezer)
    (shared,) = account._ACCOUNTS.values()  # noqa: SLF001
    shared.limiter.refused(600)
    wanted = "Limit zapytań jest wyczerpany: następne zapytanie musi poczekać 600 s."

    assert await refresh(hass) == wanted
    client = await hass_ws_client(hass)
    data = {"device_id": registered_device(hass, HOUSE_ID), "start": "2026-11-20 00:00:00"}
    for number, action in enumerate(("get_readings", "import_history"), start=1):
        await client.send_json(
            {
                "id": number,
                "type": "call_service",
                "domain": DOMAIN,
                "service": action,
                "service_data": data,
                "return_response": True,
            }
        )
        told = (await client.receive_json())["error"]
        text = translation("pl")["exceptions"][told["translation_key"]]["message"]
        assert told["translation_domain"] == DOMAIN
        assert text.format(**told["translation_placeholders"]) == wanted


@pytest.mark.usefixtures("polish")
@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (Fault.TEXT_FOR_NUMBERS, "W odczytach z serwera nie ma liczb."),
        (Fault.WEB_PAGE, IN_POLISH[Fault.WEB_PAGE]),
        (Fault.OTHER_OBJECT, "W odpowiedzi serwera nie ma listy odczytów."),
        (Fault.INTERNAL_ERROR, IN_POLISH[Fault.INTERNAL_ERROR]),
    ],
)
async def test_a_history_that_cannot_be_read_is_told_in_polish(
    recorder_mock: None,
    hass: HomeAssistant,
    faulty: FaultyCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
    wanted: str,
) -> None:
    await hass.config_entries.async_setup(make_entry(faulty, HOUSE_ID).entry_id)
    await settle(hass, freezer)
    freezer.tick(timedelta(minutes=5))
    faulty.only = readings
    faulty.fault = fault
    with pytest.raises(HomeAssistantError) as raised:
        await hass.services.async_call(
            DOMAIN,
            "import_history",
            {"device_id": registered_device(hass, HOUSE_ID)},
            blocking=True,
            return_response=True,
        )

    assert as_shown(raised.value) == wanted


@pytest.mark.usefixtures("polish")
@pytest.mark.parametrize(
    "fault", [Fault.REFUSED, Fault.INTERNAL_ERROR, Fault.WEB_PAGE, Fault.REDIRECT_302]
)
async def test_the_issue_of_a_cloud_that_is_away_names_the_error_in_polish(
    hass: HomeAssistant,
    faulty: FaultyCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
) -> None:
    await hass.config_entries.async_setup(make_entry(faulty, HOUSE_ID).entry_id)
    faulty.fault = fault
    await live_through(hass, freezer, timedelta(hours=25), timedelta(minutes=30))

    (issue,) = [
        issue for (domain, _), issue in ir.async_get(hass).issues.items() if domain == DOMAIN
    ]
    assert issue.translation_key == "cloud_unreachable"
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["error"] == IN_POLISH[fault]


async def test_the_issue_follows_the_language_of_the_home(
    hass: HomeAssistant,
    faulty: FaultyCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    translations.async_setup(hass)  # as Home Assistant does when it starts
    await hass.config_entries.async_setup(make_entry(faulty, HOUSE_ID).entry_id)
    faulty.fault = Fault.REFUSED
    await live_through(hass, freezer, timedelta(hours=25), timedelta(minutes=30))
    (issue_id,) = [key for key in ir.async_get(hass).issues if key[0] == DOMAIN]
    for language in ("cs", "de"):
        await hass.config.async_update(language=language)
        await live_through(hass, freezer, timedelta(minutes=30), timedelta(minutes=15))
        told = ir.async_get(hass).issues[issue_id].translation_placeholders
        assert told is not None
        assert told["error"] == translation(language)["exceptions"]["no_connection"]["message"]

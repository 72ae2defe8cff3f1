"""Setting up an account: its key, its devices, its options."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, override

import probatio
from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    OptionsFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_API_KEY, CONF_DEVICE_ID, CONF_URL, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    BooleanSelector,
    DateSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import dt as dt_util

from .account import is_account, title_of_account
from .const import (
    CONF_ADD_NEW_DEVICES,
    CONF_ADVANCED,
    CONF_APPLY_MULTIPLIER,
    CONF_DEVICES,
    CONF_UPDATE_INTERVAL,
    DOMAIN,
    ENTRY_MINOR_VERSION,
    ENTRY_VERSION,
    LONGEST_UPDATE_INTERVAL,
    SHORTEST_UPDATE_INTERVAL,
    SUBENTRY_TYPE_DEVICE,
)
from .errors import error_key
from .history.prices import CONF_PRICES, CONF_VALID_FROM, PRICE_FIELDS, with_prices
from .new_devices import addable
from .onemeter_cloud import (
    DEFAULT_BASE_URL,
    Device,
    OneMeterCloud,
    OneMeterError,
    normalise_base_url,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeassistant.config_entries import ConfigSubentry

    from .data import OneMeterConfigEntry

_MAX_WAIT_SECONDS: Final = 5.0
_EXAMPLE_URL: Final = "http://192.168.1.10:8124"


def _minutes(interval: timedelta) -> int:
    """Return a time as the whole minutes that forms and stored options use."""
    return interval // timedelta(minutes=1)


_KEY_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)
_KEY_SCHEMA: Final = probatio.Schema({probatio.Required(CONF_API_KEY): _KEY_SELECTOR})
_ADVANCED_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_URL, default=DEFAULT_BASE_URL): TextSelector(
            TextSelectorConfig(type=TextSelectorType.URL)
        )
    }
)
_OPTIONS_SCHEMA: Final = probatio.Schema(
    {
        # Without one the integration finds out by itself when there is something new.
        probatio.Optional(CONF_UPDATE_INTERVAL): probatio.All(
            NumberSelector(
                NumberSelectorConfig(
                    min=_minutes(SHORTEST_UPDATE_INTERVAL),
                    max=_minutes(LONGEST_UPDATE_INTERVAL),
                    step=1,
                    unit_of_measurement=UnitOfTime.MINUTES,
                    mode=NumberSelectorMode.BOX,
                )
            ),
            probatio.Coerce(int),
        ),
        probatio.Required(CONF_APPLY_MULTIPLIER, default=True): BooleanSelector(),
        probatio.Required(CONF_ADD_NEW_DEVICES, default=False): BooleanSelector(),
    }
)


def _account_schema(url: str) -> probatio.Schema:
    """Return the form of key and server; a server that is not the vendor's can be seen at once."""
    return _KEY_SCHEMA.extend(
        {
            probatio.Required(CONF_ADVANCED): section(
                _ADVANCED_SCHEMA, {"collapsed": url == DEFAULT_BASE_URL}
            )
        }
    )


async def _ask_for_devices(
    hass: HomeAssistant, account: Mapping[str, Any], errors: dict[str, str]
) -> tuple[Device, ...]:
    """Return all devices of an account; none, and an error, when the server does not give them."""
    try:
        cloud = OneMeterCloud(
            account[CONF_API_KEY],
            base_url=account[CONF_URL],
            session=async_get_clientsession(hass),
        )
        return await cloud.devices(max_wait=_MAX_WAIT_SECONDS)
    except OneMeterError as err:
        errors["base"] = error_key(err)
        return ()


def _label_of(device: Device) -> str:
    """Return name, meter and time of the last reading of a device, as far as they are known."""
    date = device.last_reading.date
    parts = (
        device.display_name,
        device.meter_id,
        f"{dt_util.as_local(date):%Y-%m-%d %H:%M}" if date is not None else None,
    )
    return " · ".join(dict.fromkeys(part for part in parts if part))


def _options_of(devices: Iterable[Device]) -> list[SelectOptionDict]:
    """Return the choices of a selector of devices, in the order of their labels."""
    return sorted(
        (SelectOptionDict(value=device.id, label=_label_of(device)) for device in devices),
        key=lambda option: option["label"].casefold(),
    )


def _price_schema(fields: Iterable[str], currency: str) -> probatio.Schema:
    """Return the form of the prices per kWh from a date on."""
    price = NumberSelector(
        NumberSelectorConfig(
            step="any", unit_of_measurement=f"{currency}/kWh", mode=NumberSelectorMode.BOX
        )
    )
    return probatio.Schema(
        {
            probatio.Required(CONF_VALID_FROM): DateSelector(),
            **{probatio.Optional(key): price for key in fields},
        }
    )


class OneMeterConfigFlow(ConfigFlow, domain=DOMAIN):
    """Sets up an account, or gives it another key or server."""

    VERSION = ENTRY_VERSION
    MINOR_VERSION = ENTRY_MINOR_VERSION

    def __init__(self) -> None:
        """Know nothing yet."""
        self._account: dict[str, str] = {}
        self._devices: tuple[Device, ...] = ()

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: OneMeterConfigEntry) -> OptionsFlow:
        """Return the flow of an account's options."""
        return OneMeterOptionsFlow()

    @classmethod
    @callback
    @override
    def async_supports_options_flow(cls, config_entry: OneMeterConfigEntry) -> bool:
        """Tell whether an entry has options: one of another integration stays as it is."""
        return is_account(config_entry)

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: OneMeterConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the kinds of subentries: devices, if the entry is an account."""
        if not is_account(config_entry):
            return {}
        return {SUBENTRY_TYPE_DEVICE: DeviceSubentryFlow}

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the account's key and show its devices next."""
        errors: dict[str, str] = {}
        if user_input is not None and (
            account := self._read_account(
                user_input[CONF_API_KEY], user_input[CONF_ADVANCED][CONF_URL], errors
            )
        ):
            self._async_abort_entries_match(account)
            devices = await _ask_for_devices(self.hass, account, errors)
            self._devices = addable(self.hass, devices)
            if self._devices:
                self._account = account
                return await self.async_step_devices()
            errors.setdefault("base", "no_devices")
        return self._show_account_form("user", user_input, errors)

    async def async_step_devices(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the owner pick devices and create the account's entry."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if picked := set(user_input[CONF_DEVICES]):
                return self._create_account(picked)
            errors[CONF_DEVICES] = "nothing_picked"
        schema = probatio.Schema(
            {
                probatio.Required(
                    CONF_DEVICES, default=[device.id for device in self._devices]
                ): SelectSelector(
                    SelectSelectorConfig(
                        options=_options_of(self._devices),
                        multiple=True,
                        mode=SelectSelectorMode.LIST,
                    )
                )
            }
        )
        return self.async_show_form(step_id="devices", data_schema=schema, errors=errors)

    def _create_account(self, picked: set[str]) -> ConfigFlowResult:
        """Create the account's entry, as far as other flows have not done so since it was asked."""
        self._async_abort_entries_match(self._account)
        devices = [device for device in addable(self.hass, self._devices) if device.id in picked]
        if not devices:
            return self.async_abort(reason="devices_added")
        return self.async_create_entry(
            title=title_of_account(self._account[CONF_URL]),
            data=self._account,
            subentries=[
                ConfigSubentryData(
                    subentry_type=SUBENTRY_TYPE_DEVICE,
                    unique_id=device.id,
                    title=device.display_name,
                    data={CONF_DEVICE_ID: device.id},
                )
                for device in devices
            ],
        )

    async def async_step_reauth(self, _entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Start asking for a new key after the server refused the old one."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new key of the same account."""
        entry: OneMeterConfigEntry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            account = {**entry.data, CONF_API_KEY: user_input[CONF_API_KEY].strip()}
            if await self._fits(entry, account, errors):
                return self._replace_account(entry, account)
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(_KEY_SCHEMA, user_input),
            description_placeholders={"account": entry.title},
            errors=errors,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for another key or another server of the same devices."""
        entry: OneMeterConfigEntry = self._get_reconfigure_entry()
        if not is_account(entry):
            return self.async_abort(reason="foreign_entry")
        errors: dict[str, str] = {}
        if (
            user_input is not None
            and (
                account := self._read_account(
                    user_input[CONF_API_KEY], user_input[CONF_ADVANCED][CONF_URL], errors
                )
            )
            and await self._fits(entry, account, errors)
        ):
            return self._replace_account(entry, account)
        stored = {
            CONF_API_KEY: entry.data[CONF_API_KEY],
            CONF_ADVANCED: {CONF_URL: entry.data[CONF_URL]},
        }
        return self._show_account_form("reconfigure", user_input or stored, errors)

    def _show_account_form(
        self, step_id: str, entered: dict[str, Any] | None, errors: dict[str, str]
    ) -> ConfigFlowResult:
        """Ask for key and server, with what was entered before."""
        url = entered[CONF_ADVANCED][CONF_URL] if entered is not None else DEFAULT_BASE_URL
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(_account_schema(url), entered),
            description_placeholders={"example_url": _EXAMPLE_URL},
            errors=errors,
        )

    def _read_account(
        self, api_key: str, url: str, errors: dict[str, str]
    ) -> dict[str, str] | None:
        """Return what is stored of an account; `None`, and an error, if the address is none."""
        try:
            return {CONF_API_KEY: api_key.strip(), CONF_URL: normalise_base_url(url)}
        except ValueError:
            errors["base"] = "invalid_url"
            return None

    async def _fits(
        self, entry: OneMeterConfigEntry, account: dict[str, str], errors: dict[str, str]
    ) -> bool:
        """Tell whether an account can take the place of an entry's; note in `errors` why not.

        It must have at least one of the entry's devices (one that was taken from the account is no
        reason to stay locked out), and must not be set up already.
        """
        self._abort_if_set_up(entry, account)
        devices = await _ask_for_devices(self.hass, account, errors)
        self._abort_if_set_up(entry, account)  # perhaps meanwhile
        configured = {
            subentry.data[CONF_DEVICE_ID]
            for subentry in entry.get_subentries_of_type(SUBENTRY_TYPE_DEVICE)
        }
        if not errors and configured and configured.isdisjoint(device.id for device in devices):
            errors["base"] = "other_account"
        return not errors

    def _abort_if_set_up(self, entry: OneMeterConfigEntry, account: dict[str, str]) -> None:
        """Abort if another entry has the account that is to take the place of an entry's."""
        if account.items() - entry.data.items():
            self._async_abort_entries_match(account)

    def _replace_account(
        self, entry: OneMeterConfigEntry, account: dict[str, str]
    ) -> ConfigFlowResult:
        """Store another key or server, and load the entry anew.

        A changed entry that is loaded does so by itself, through its update listener.
        """
        reloads_by_itself = bool(entry.update_listeners)  # unloading lets go of them, maybe at once
        changed = self.hass.config_entries.async_update_entry(entry, data=account)
        if not (changed and reloads_by_itself):
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return self.async_update_and_abort(entry)


class DeviceSubentryFlow(ConfigSubentryFlow):
    """Adds another device of the account, and takes the prices of its energy."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._devices: tuple[Device, ...] = ()

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Let the owner pick one of the devices that are not in Home Assistant yet."""
        entry: OneMeterConfigEntry = self._get_entry()
        if user_input:
            still_addable = {device.id: device for device in addable(self.hass, self._devices)}
            if device := still_addable.get(user_input[CONF_DEVICE_ID]):
                return self.async_create_entry(
                    title=device.display_name,
                    data={CONF_DEVICE_ID: device.id},
                    unique_id=device.id,
                )
            return self.async_abort(reason="already_configured")
        errors: dict[str, str] = {}
        devices = await _ask_for_devices(self.hass, entry.data, errors)
        if errors:  # to be tried again with the same button
            return self.async_show_form(
                step_id="user", data_schema=probatio.Schema({}), errors=errors
            )
        self._devices = addable(self.hass, devices)
        if not self._devices:
            return self.async_abort(reason="no_devices")
        schema = probatio.Schema(
            {
                probatio.Required(CONF_DEVICE_ID): SelectSelector(
                    SelectSelectorConfig(
                        options=_options_of(self._devices), mode=SelectSelectorMode.LIST
                    )
                )
            }
        )
        return self.async_show_form(step_id="user", data_schema=schema)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what energy costs from a date on; without any price, that date is forgotten."""
        entry, subentry = self._get_entry(), self._get_reconfigure_subentry()
        stored = subentry.data.get(CONF_PRICES, [])
        if user_input is not None:
            prices = {key: user_input[key] for key in PRICE_FIELDS if key in user_input}
            valid_from = date.fromisoformat(user_input[CONF_VALID_FROM])
            return self.async_update_and_abort(
                entry,
                subentry,
                data_updates={CONF_PRICES: with_prices(stored, valid_from, prices)},
            )
        today = dt_util.now().date().isoformat()
        latest = stored[-1] if stored else {}
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                _price_schema(self._price_fields(entry, subentry), self.hass.config.currency),
                {**latest, CONF_VALID_FROM: today},
            ),
            description_placeholders={
                "device": subentry.title,
                "dates": ", ".join(period[CONF_VALID_FROM] for period in stored) or "-",
            },
        )

    def _price_fields(self, entry: OneMeterConfigEntry, subentry: ConfigSubentry) -> Iterable[str]:
        """Return the energy that the device has ever counted, or that has ever had a price."""
        device_id = subentry.data[CONF_DEVICE_ID]
        counted: frozenset[str] = frozenset()
        if entry.state is ConfigEntryState.LOADED and entry.runtime_data.history is not None:
            counted = entry.runtime_data.history.series(device_id)
        if not counted:  # not known yet
            return PRICE_FIELDS
        priced = {key for period in subentry.data.get(CONF_PRICES, ()) for key in period}
        return tuple(key for key in PRICE_FIELDS if key in counted | priced)


class OneMeterOptionsFlow(OptionsFlow):
    """How an account is polled and shown."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the options; a change loads the account anew."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                _OPTIONS_SCHEMA, self.config_entry.options
            ),
        )

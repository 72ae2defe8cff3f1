"""The command `onemeter-server`, as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from onemeter_server.__main__ import app
from onemeter_server.cli.options import default_database
from tests.certificates import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

COMMAND = [sys.executable, "-m", "onemeter_server"]
TIMEOUT_SECONDS = 60

needs_proc = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells sockets")


@contextmanager
def running(*command: str, home: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run the server as a process; yield it with the first lines that it prints."""
    lines_wanted = 2 + ("demo" in command) + ("--control-port" in command)
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"XDG_DATA_HOME": str(home)},
    )
    try:
        assert process.stdout is not None
        yield process, [process.stdout.readline().strip() for _ in range(lines_wanted)]
    finally:
        process.kill()
        process.communicate()


def get(url: str, key: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": key})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        return json.load(answer)


def post(url: str, body: object) -> Any:
    request = urllib.request.Request(  # noqa: S310 - loopback
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        return json.load(answer)


def listening(pid: int) -> set[tuple[str, int]]:
    """Return the addresses and ports of IPv4 that a process listens on."""
    descriptors = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            descriptors.append(str(path.readlink()))
    found = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, state, inode = fields[1], fields[3], fields[9]
        if state == "0A" and f"socket:[{inode}]" in descriptors:
            address, port = local.split(":")
            found.add((socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)))
    return found


def port_of(line: str) -> int:
    port = urllib.parse.urlsplit(line.rsplit(maxsplit=1)[-1]).port
    assert port is not None
    return port


def call(*arguments: str, home: Path) -> Result:
    return CliRunner().invoke(app, arguments, env={"XDG_DATA_HOME": str(home)})


@pytest.mark.usefixtures("socket_enabled")
def test_the_demo_is_served_on_loopback_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with running("demo", "--port", "0", home=tmp_path) as (process, lines):
        address, devices, key = lines
        url = address.split()[-1]
        assert url.startswith("http://127.0.0.1:")
        assert devices == "Devices: 2"
        assert key == "Demo key: demo"
        names = [device["info"]["name"] for device in get(f"{url}devices/", "demo")["devices"]]
        assert names == ["House", "Flat"]

        process.send_signal(signal.SIGTERM)

        assert process.wait(TIMEOUT_SECONDS) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("socket_enabled")
def test_a_key_made_on_the_command_line_opens_the_running_server(tmp_path: Path) -> None:
    with running("run", "--port", "0", home=tmp_path) as (process, (address, devices)):
        assert devices == "Devices: 0"
        key = call("key", "add", "Home Assistant", home=tmp_path).output.strip()

        assert get(f"{address.split()[-1]}devices", key) == {"devices": []}

        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_SECONDS) == 0


@pytest.mark.usefixtures("socket_enabled")
def test_the_control_interface_of_the_demo_withholds_readings(tmp_path: Path) -> None:
    with running("demo", "--port", "0", "--control-port", "0", home=tmp_path) as (_, lines):
        api, control = lines[0].split()[-1], lines[1].split()[-1]
        assert lines[1].startswith("Its control interface is served at http://127.0.0.1:")
        house = get(f"{control}devices", "")["devices"][0]

        told = post(f"{control}devices/{house['id']}/withhold", {})

        assert told["withheld"] == house["stored"]
        assert get(f"{api}devices/{house['id']}", "demo")["lastReading"] is None


@pytest.mark.usefixtures("socket_enabled")
@needs_proc
def test_there_is_no_control_interface_unless_asked_for(tmp_path: Path) -> None:
    with running("run", "--port", "0", home=tmp_path) as (process, lines):
        assert listening(process.pid) == {("127.0.0.1", port_of(lines[0]))}

        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=TIMEOUT_SECONDS) == ("", "")


@pytest.mark.usefixtures("socket_enabled")
@needs_proc
def test_the_control_interface_stays_on_loopback_whatever_the_host(tmp_path: Path) -> None:
    options = ("--host", "0.0.0.0", "--port", "0", "--control-port", "0")  # noqa: S104 - the point
    with running("demo", *options, home=tmp_path) as (process, lines):
        assert listening(process.pid) == {
            ("0.0.0.0", port_of(lines[0])),  # noqa: S104
            ("127.0.0.1", port_of(lines[1])),
        }


@pytest.mark.usefixtures("socket_enabled")
def test_a_control_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = call("demo", "--port", "0", "--control-port", port, home=tmp_path)

    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("The server cannot start:")


@pytest.mark.usefixtures("socket_enabled")
def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = call("run", "--port", port, home=tmp_path)

    assert result.exit_code == 1
    assert result.output.startswith("The server cannot start:")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////no/such/folder/cloud.sqlite"])
def test_a_database_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, url: str) -> None:
    result = call("run", "--database", url, home=tmp_path)

    assert result.exit_code == 1
    assert result.output.startswith("The database cannot be used:")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--rate-limit", "0"),
        ("run", "--rate-limit", "nan"),
        ("run", "--port", "70000"),
        ("run", "--control-port", "0"),
        ("demo", "--speed", "-1"),
        ("demo", "--control-port", "70000"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert call(*command, home=tmp_path).exit_code == 2


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("apart", [True, False])
def test_it_speaks_tls_with_the_owners_certificate(tmp_path: Path, *, apart: bool) -> None:
    certificate = Certificate.make()
    shown, key = tmp_path / "shown.pem", tmp_path / "key.pem"
    shown.write_text(certificate.pem if apart else certificate.pem + certificate.private_key_pem)
    key.write_text(certificate.private_key_pem)
    options = ["--certificate", str(shown), *(("--private-key", str(key)) if apart else ())]
    with running("run", "--port", "0", *options, home=tmp_path) as (process, (address, _)):
        url = address.split()[-1]
        assert url.startswith("https://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(  # noqa: S310 - loopback
                f"{url}devices", timeout=TIMEOUT_SECONDS, context=certificate.client()
            )
        assert refused.value.code == 401
        refused.value.close()

        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_SECONDS) == 0


@pytest.mark.parametrize("fault", ["missing", "no PEM", "another key", "key alone", "locked"])
def test_a_certificate_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, fault: str) -> None:
    certificate = Certificate.make()
    shown, key = tmp_path / "shown.pem", tmp_path / "key.pem"
    shown.write_text(certificate.pem)
    key.write_text(certificate.private_key_pem)
    options = ["--certificate", str(shown), "--private-key", str(key)]
    match fault:
        case "missing":
            shown.unlink()
        case "no PEM":
            shown.write_text("no certificate")
        case "another key":
            key.write_text(Certificate.make().private_key_pem)
        case "locked":
            key.write_bytes(certificate.locked_private_key(b"a password"))
        case _:
            options = options[2:]

    result = call("run", "--port", "0", *options, home=tmp_path)

    assert result.exit_code == 1
    assert result.output.startswith("The certificate cannot be used:")
    assert result.output.count("\n") == 1


@pytest.mark.usefixtures("socket_enabled")
def test_requests_are_logged_only_when_asked_for_and_without_their_key(tmp_path: Path) -> None:
    told = {}
    for option in ((), ("--access-log",)):
        with running("run", "--port", "0", *option, home=tmp_path) as (process, (address, _)):
            key = call("key", "add", f"key{option}", home=tmp_path).output.strip()
            get(f"{address.split()[-1]}devices", key)
            process.send_signal(signal.SIGTERM)
            process.wait(TIMEOUT_SECONDS)
            assert process.stderr is not None
            told[bool(option)] = process.stderr.read()
            assert key not in told[bool(option)]

    assert told[False] == ""
    assert '"GET /api/devices HTTP/1.1" 200' in told[True]


def test_keys_are_added_listed_and_removed(tmp_path: Path) -> None:
    added = call("key", "add", "phone", "--account", "Ada", home=tmp_path)
    assert len(added.output.strip()) == 86
    assert call("key", "list", home=tmp_path).output == "phone\tAda\n"

    assert call("key", "remove", "phone", home=tmp_path).exit_code == 0
    assert call("key", "list", home=tmp_path).output == ""


def test_a_key_is_shown_once(tmp_path: Path) -> None:
    key = call("key", "add", "phone", home=tmp_path).output.strip()

    assert key not in call("key", "list", home=tmp_path).output


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    call("key", "add", "phone", home=tmp_path)
    again = call("key", "add", "phone", home=tmp_path)

    assert again.exit_code == 1
    assert again.output == "There is a key of the name phone already\n"


def test_an_unknown_key_cannot_be_removed(tmp_path: Path) -> None:
    result = call("key", "remove", "phone", home=tmp_path)

    assert result.exit_code == 1
    assert result.output == "There is no key of the name phone\n"


def test_the_data_folder_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    url = default_database()

    folder = tmp_path / ".local" / "share" / "onemeter"
    assert url == f"sqlite+aiosqlite:///{folder / 'cloud.sqlite'}"
    assert folder.stat().st_mode & 0o077 == 0

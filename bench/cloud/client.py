"""A client in a process of its own: asks once, and prints how many seconds the answer took.

It is started with the API's address and a key, and imports nothing else.
"""

import http.client
import sys
import time
from urllib.parse import urlsplit


def main(address: str, key: str) -> None:
    """Ask for all devices and read the answer to its end."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    connection.request("GET", "/api/devices/", headers={"Authorization": key})
    response = connection.getresponse()
    if response.status != http.client.OK or not response.read().endswith(b"]}"):
        raise SystemExit(f"devices/ was answered with {response.status}")
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])

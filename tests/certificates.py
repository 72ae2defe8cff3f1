"""Self-signed certificates of the loopback interface and of the cloud, made while a test runs."""

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

HOST: Final = "127.0.0.1"

# Whose place a server takes that programs of others find by its name.
CLOUD: Final = "cloud.onemeter.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate: its text, for who shall trust it, and what a server needs to show it."""

    pem: str
    private_key_pem: str
    server: ssl.SSLContext

    @classmethod
    def make(cls) -> Self:
        """Make a certificate with a key of its own, which nobody trusts yet."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
        names = [x509.IPAddress(IPv4Address(HOST)), x509.DNSName(CLOUD)]
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            x509.CertificateBuilder(issuer_name=name, subject_name=name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            # OpenSSL looks at the machine's clock, whatever the test has frozen.
            .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(Encoding.PEM)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # It is read from a file only.
        with tempfile.TemporaryDirectory() as folder:
            both = Path(folder) / "certificate.pem"
            both.write_bytes(pem + private)
            server.load_cert_chain(both)
        return cls(pem=pem.decode(), private_key_pem=private.decode(), server=server)

    def locked_private_key(self, password: bytes) -> bytes:
        """Return the private key (PEM) as only who has the password can read it."""
        key = load_pem_private_key(self.private_key_pem.encode(), password=None)
        lock = BestAvailableEncryption(password)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)

    def client(self) -> ssl.SSLContext:
        """Return what a client needs that trusts this certificate and no other."""
        return ssl.create_default_context(cadata=self.pem)

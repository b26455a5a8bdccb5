"""The stack's own certificate authority, a certificate per program for mutual TLS, and the keys that sign logs."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tiaochu_embedded.vault import Vault

_LIFETIME = timedelta(days=3650)
_RENEW_BEFORE = timedelta(days=30)


class Authority:
    """Issues certificates that the programs of one stack accept, and nobody else does."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        key_file = vault.keep("tls/ca.key", lambda: _pem(ec.generate_private_key(ec.SECP256R1())))
        key = load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{key_file} holds another kind of key")
        self._key = key
        self.file = vault.keep("tls/ca.crt", self._certify_itself)
        self._certificate = x509.load_pem_x509_certificate(self.file.read_bytes())

    def issue(self, name: str) -> tuple[Path, Path]:
        """The certificate and key files of a program: subject and first DNS name are `name`; for server and client alike."""
        certificate_file, key_file = self._vault.path(f"tls/{name}.crt"), self._vault.path(f"tls/{name}.key")
        if not (key_file.exists() and self._still_good(certificate_file)):
            key = ec.generate_private_key(ec.SECP256R1())
            self._vault.write(f"tls/{name}.key", _pem(key))
            self._vault.write(f"tls/{name}.crt", self._certify(name, key.public_key()))
        return certificate_file, key_file

    def _still_good(self, file: Path) -> bool:
        if not file.exists():
            return False
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        if certificate.not_valid_after_utc - _RENEW_BEFORE < datetime.now(UTC):
            return False
        try:
            certificate.verify_directly_issued_by(self._certificate)
        except Exception:  # noqa: BLE001 - whatever the fault is, the certificate is not ours
            return False
        return True

    def _certify_itself(self) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tiaochu embedded stack")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            _dated(x509.CertificateBuilder())
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _certify(self, name: str, public_key: ec.EllipticCurvePublicKey) -> bytes:
        names: list[x509.GeneralName] = [x509.DNSName(name), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = (
            _dated(x509.CertificateBuilder())
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._certificate.subject)
            .public_key(public_key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(both, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def log_signing_key(vault: Vault, service: str) -> Path:
    """The Ed25519 key (PKCS#8 PEM) a service signs the heads of its logs with; its public half stands beside it as `.pub`."""
    file = vault.keep(f"log-signing/{service}.pem", lambda: _pem(ed25519.Ed25519PrivateKey.generate()))
    key = load_pem_private_key(file.read_bytes(), None)
    vault.write(f"log-signing/{service}.pub", key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


def _dated(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + _LIFETIME)


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

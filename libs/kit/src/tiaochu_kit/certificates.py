"""TLS between services: each proves its name with a certificate; files that change are read again without a restart."""

from pathlib import Path
from typing import Any

import grpc

from tiaochu_kit.settings import Settings

Stamp = tuple[tuple[int, int], ...]


class Certificates:
    """The certificate, key and authority of one process, as their files are now."""

    def __init__(self, settings: Settings) -> None:
        files = (settings.tls_cert_file, settings.tls_key_file, settings.tls_ca_file)
        self._files: tuple[Path, ...] = tuple(f for f in files if f is not None)
        if len(self._files) not in (0, 3):
            raise ValueError("TIAOCHU_TLS_CERT_FILE, TIAOCHU_TLS_KEY_FILE and TIAOCHU_TLS_CA_FILE go together")
        if not self._files and settings.environment == "production":
            raise ValueError("production needs TIAOCHU_TLS_CERT_FILE, TIAOCHU_TLS_KEY_FILE and TIAOCHU_TLS_CA_FILE")
        self._served: Stamp = ()

    def __bool__(self) -> bool:
        return bool(self._files)

    def stamp(self) -> Stamp:
        """Changes when a file does."""
        return tuple((s.st_mtime_ns, s.st_size) for s in (file.stat() for file in self._files))

    def server(self) -> grpc.ServerCredentials:
        """Credentials that ask every caller for a certificate, and look at the files at each handshake."""
        return grpc.dynamic_ssl_server_credentials(self._configuration(), self._changed, require_client_authentication=True)

    def channel(self) -> grpc.ChannelCredentials:
        """Credentials of a caller."""
        cert, key, ca = (file.read_bytes() for file in self._files)
        return grpc.ssl_channel_credentials(ca, key, cert)

    def _changed(self) -> Any:
        return self._configuration() if self.stamp() != self._served else None

    def _configuration(self) -> Any:
        self._served = self.stamp()
        cert, key, ca = (file.read_bytes() for file in self._files)
        return grpc.ssl_server_certificate_configuration([(key, cert)], ca)

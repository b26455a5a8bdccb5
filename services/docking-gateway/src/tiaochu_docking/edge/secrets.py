"""Agencies' secrets in clear, for the moment of signing or verifying. They are unsealed once and kept in memory only."""

from datetime import datetime

from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.signature import read_secret
from tiaochu_domainkit.sealing import Keyring

CACHE_LIMIT = 1000


class Secrets:
    """Unseals what agencies' documents hold."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._open: dict[str, bytes] = {}

    def valid(self, agency: Agency, at: datetime) -> dict[str, bytes]:
        """Secrets good at this moment, by credential, newest first."""
        return {ident: self._unsealed(ident, c.sealed) for ident, c in agency.valid_credentials(at).items()}

    def every(self, agency: Agency) -> dict[str, bytes]:
        """All secrets kept, also those that ended: to tell an old secret from a wrong one."""
        return {c.credential_id: self._unsealed(c.credential_id, c.sealed) for c in agency.credentials}

    def _unsealed(self, credential_id: str, sealed: str) -> bytes:
        if credential_id not in self._open:
            if len(self._open) >= CACHE_LIMIT:
                self._open.clear()
            self._open[credential_id] = read_secret(self._keyring.unseal(sealed, table="agencies", row=credential_id, field="secret"))
        return self._open[credential_id]

"""Bearers for reads: ES256, ten minutes, made from the service's own keyring so that every replica can check them."""

import hashlib
import hmac
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_domainkit.sealing import Keyring

LIFETIME = timedelta(minutes=10)
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ISSUER = "tiaochu-docking"


class ReadTokens:
    """Issues and checks."""

    def __init__(self, keyring: Keyring) -> None:
        self._keys = KeySet([_signing_key(ident, secret) for ident, secret in keyring.keys.items()])
        self._current = keyring.current

    def issue(self, agency_id: str, now: datetime) -> tuple[str, datetime]:
        """A token for an agency, and when it ends."""
        end = now + LIFETIME
        claims = {"iss": _ISSUER, "sub": agency_id, "scope": "read", "iat": int(now.timestamp()), "exp": int(end.timestamp())}
        key = next(k for k in self._keys.keys if k.kid == self._current)
        return jwt.encode({"alg": "ES256", "kid": self._current}, claims, key), end

    def agency(self, token: str, now: datetime) -> str:
        """The agency a token was issued to. Raises TOKEN_INVALID."""
        try:
            decoded = jwt.decode(token, self._keys, algorithms=["ES256"])
            jwt.JWTClaimsRegistry(
                now=int(now.timestamp()), iss={"essential": True, "value": _ISSUER}, sub={"essential": True}, exp={"essential": True}
            ).validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise DomainError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "the token is not valid or has ended", "令牌无效或已过期") from error
        return str(decoded.claims["sub"])


def _signing_key(ident: str, secret: bytes) -> ECKey:
    number = int.from_bytes(hmac.digest(secret, b"tiaochu docking read tokens", hashlib.sha512)) % (_ORDER - 1) + 1
    return ECKey.import_key(
        ec.derive_private_key(number, ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        {"kid": ident, "use": "sig", "alg": "ES256"},
    )

"""Letters at rest: the bytes as they were signed, sealed under the letter's id."""

from tiaochu_domainkit.sealing import Keyring


def seal_body(keyring: Keyring, ident: str, body: bytes) -> str:
    """The sealed form; any bytes are kept, also those that are no text."""
    return keyring.seal(body.decode("latin-1"), table="letters", row=ident, field="body")


def open_body(keyring: Keyring, ident: str, sealed: str) -> bytes:
    """The bytes again."""
    return keyring.unseal(sealed, table="letters", row=ident, field="body").encode("latin-1")

"""Mutual TLS with the stack's certificates: each side knows the other's name, and strangers are refused."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tiaochu_embedded.certificates import Authority, log_signing_key
from tiaochu_embedded.vault import Vault


def context(authority: Authority, name: str, purpose: ssl.Purpose, trusted: Path | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(purpose, cafile=str(trusted or authority.file))
    made.load_cert_chain(*(str(path) for path in authority.issue(name)))
    if purpose is ssl.Purpose.CLIENT_AUTH:
        made.verify_mode = ssl.CERT_REQUIRED
    return made


async def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """The caller's name as the server sees it."""
    names: asyncio.Queue[str] = asyncio.Queue()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = dict(part for parts in writer.get_extra_info("peercert")["subject"] for part in parts)
        writer.write(b"welcome\n")
        await names.put(subject["commonName"])
        writer.close()

    listener = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=server)
    try:
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname(), ssl=client)
        assert await asyncio.wait_for(reader.readline(), 5) == b"welcome\n"
        writer.close()
        return await asyncio.wait_for(names.get(), 5)
    finally:
        listener.close()


async def test_the_server_learns_which_service_calls(tmp_path: Path) -> None:
    authority = Authority(Vault(tmp_path))
    server, client = context(authority, "routing", ssl.Purpose.CLIENT_AUTH), context(authority, "intake", ssl.Purpose.SERVER_AUTH)
    assert await handshake(server, client) == "intake"


async def test_a_stranger_is_refused(tmp_path: Path) -> None:
    ours, theirs = Authority(Vault(tmp_path / "ours")), Authority(Vault(tmp_path / "theirs"))
    server = context(ours, "routing", ssl.Purpose.CLIENT_AUTH)
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        await handshake(server, context(theirs, "intake", ssl.Purpose.SERVER_AUTH, trusted=ours.file))
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(server, context(theirs, "intake", ssl.Purpose.SERVER_AUTH))


def test_certificates_are_kept_and_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    certificate, _ = Authority(Vault(tmp_path)).issue("intake")
    first = certificate.read_bytes()
    Authority(Vault(tmp_path)).issue("intake")
    assert certificate.read_bytes() == first
    certificate.write_bytes(Authority(Vault(tmp_path / "other")).issue("intake")[0].read_bytes())
    Authority(Vault(tmp_path)).issue("intake")
    assert certificate.read_bytes() != first


def test_a_log_is_signed_with_a_key_of_its_own_service(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    intake, routing = log_signing_key(vault, "intake"), log_signing_key(vault, "routing")
    assert intake.read_bytes() != routing.read_bytes()
    assert log_signing_key(vault, "intake").read_bytes() == intake.read_bytes()
    assert b"PUBLIC KEY" in intake.with_suffix(".pub").read_bytes()

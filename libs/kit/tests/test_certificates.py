"""Services know each other by certificate, and take new ones without a restart."""

from pathlib import Path
from typing import Any

import pytest
import trustme

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.ids import new_id
from tiaochu_kit.peers import Peers
from tiaochu_kit.settings import Settings
from tiaochu_testkit.services import Cell
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.toy.protos import OpenThingRequest

OPEN = "tiaochu.alpha.v1.ThingService/OpenThing"


class Names:
    """Certificates of an authority, written to files as secrets are mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.authority = trustme.CA()

    def write(self, name: str, authority: trustme.CA | None = None) -> dict[str, Any]:
        issued = (authority or self.authority).issue_cert(name, common_name=name)
        files = {f"tls_{what}_file": self.folder / f"{name}.{what}" for what in ("cert", "key", "ca")}
        files["tls_cert_file"].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        files["tls_key_file"].write_bytes(issued.private_key_pem.bytes())
        files["tls_ca_file"].write_bytes((authority or self.authority).cert_pem.bytes())
        return files


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return Names(tmp_path / "certificates")


def caller(cell: Cell, files: dict[str, Any]) -> Peers:
    return Peers(cell.settings("beta", peers={"alpha": f"127.0.0.1:{cell.port('alpha')}"}, **files))


async def opened(peers: Peers) -> str:
    return str((await peers.call("alpha", OPEN, OpenThingRequest(district="329901"), request_id=new_id(), timeout=2)).case_id)


async def test_a_service_is_who_its_certificate_says_and_strangers_are_nobody(cell: Cell, names: Names) -> None:
    cell.port("beta")
    async with cell.running("alpha", "toy", alpha.build, work=False, **names.write("alpha")):
        beta = caller(cell, names.write("beta"))
        assert await opened(beta)
        # Of the same authority, but no service of this cell; that it calls itself beta in the metadata does not help.
        stranger = caller(cell, names.write("stranger"))
        with pytest.raises(DomainError) as refusal:
            await opened(stranger)
        assert refusal.value.kind is Kind.UNAUTHENTICATED
        other = caller(cell, names.write("beta", trustme.CA()))
        with pytest.raises(DomainError) as unreachable:
            await opened(other)
        assert unreachable.value.kind is Kind.UNAVAILABLE
        for peers in (beta, stranger, other):
            await peers.close()


async def test_new_certificates_are_taken_while_running(cell: Cell, names: Names) -> None:
    cell.port("beta")
    async with cell.running("alpha", "toy", alpha.build, work=False, **names.write("alpha")):
        beta = caller(cell, names.write("beta"))
        assert await opened(beta)
        names.authority = trustme.CA()
        names.write("alpha")
        names.write("beta")
        assert await opened(beta)
        await beta.close()


def test_production_does_not_start_without(cell: Cell) -> None:
    settings = cell.settings("alpha", environment="production", clock_file=None)
    with pytest.raises(ValueError, match="TIAOCHU_TLS_CERT_FILE"):
        Peers(settings)
    for meant_for_tests in ("clock_file", "failpoints_dir"):
        with pytest.raises(ValueError, match="production"):
            Settings(**{**settings.model_dump(), meant_for_tests: "somewhere"})

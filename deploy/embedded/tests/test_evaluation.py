"""The stack's servers as the containers the chart starts for trying out."""

from pathlib import Path

import httpx2
import nats
import psycopg
import pytest

from tiaochu_embedded.evaluation import SERVICES, server
from tiaochu_embedded.ports import free_port


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "mounted"
    for service in SERVICES:
        (folder / service).mkdir(parents=True)
        for name in ("password", "owner-password", "nats-password"):
            (folder / service / name).write_text(f"{name} of {service}")
    (folder / "issuer").mkdir()
    (folder / "issuer" / "client-secret").write_text("the issuer's")
    return folder


def test_postgresql_has_every_service_s_database_and_takes_changed_passwords(secrets: Path, tmp_path: Path) -> None:
    port = free_port()
    for password in ("password of intake", "another"):
        (secrets / "intake" / "password").write_text(password)
        running = server("postgresql", secrets, tmp_path / "data", port)
        running.start()
        try:
            for service in SERVICES:
                with psycopg.connect(f"postgresql://{service}_owner@127.0.0.1:{port}/{service}", password=f"owner-password of {service}"):
                    pass
            with psycopg.connect(f"postgresql://intake@127.0.0.1:{port}/intake", password=password) as role:
                assert role.execute("SELECT current_user").fetchone() == ("intake",)
        finally:
            running.stop()


async def test_nats_knows_every_service(secrets: Path, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "data").mkdir()
    running = server("nats", secrets, tmp_path / "data", port)
    running.start()
    try:
        client = await nats.connect(f"nats://127.0.0.1:{port}", user="routing", password="nats-password of routing")
        await client.close()
    finally:
        running.stop()


def test_the_issuer_gives_tokens_to_whoever_holds_its_secret(secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("TIAOCHU_OIDC_ISSUER", "http://cell-issuer:8080")
    running = server("issuer", secrets, tmp_path, port)
    running.start()
    try:
        asked = [
            httpx2.post(f"http://127.0.0.1:{port}/token", data={"person": "operator"}, headers={"Authorization": f"Bearer {secret}"})
            for secret in ("the issuer's", "a guess")
        ]
        found = httpx2.get(f"http://127.0.0.1:{port}/.well-known/openid-configuration").json()
    finally:
        running.stop()
    assert [answer.status_code for answer in asked] == [200, 401]
    assert found["jwks_uri"] == "http://cell-issuer:8080/jwks.json"

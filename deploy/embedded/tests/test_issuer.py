"""Tokens of the stack's own issuer: verifiable by its published keys, given to the holder of the secret only."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tiaochu_embedded.clock import StackClock
from tiaochu_embedded.issuer import Issuer
from tiaochu_embedded.ports import free_port
from tiaochu_embedded.vault import Vault


@pytest.fixture
def clock(tmp_path: Path) -> StackClock:
    clock = StackClock(tmp_path / "clock")
    clock.begin()
    return clock


@pytest.fixture
def issuer(tmp_path: Path, clock: StackClock) -> Iterator[Issuer]:
    issuer = Issuer(Vault(tmp_path / "secrets"), free_port(), clock, audience="tiaochu", hours=8)
    issuer.start()
    yield issuer
    issuer.stop()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def ask(issuer: Issuer, secret: str, **form: str) -> Any:
    request = urllib.request.Request(f"{issuer.url}/token", urllib.parse.urlencode(form).encode(), {"Authorization": f"Bearer {secret}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def test_a_token_verifies_with_the_discovered_keys(issuer: Issuer) -> None:
    discovered = get(f"{issuer.url}/.well-known/openid-configuration")
    keys = KeySet.import_key_set(get(discovered["jwks_uri"]))
    granted = ask(issuer, issuer.secret_file.read_text(), person="p-1")
    token = jwt.decode(granted["access_token"], keys, algorithms=["ES256"])
    assert token.claims["iss"] == discovered["issuer"]
    assert token.claims["sub"] == "p-1"
    assert token.claims["aud"] == "tiaochu"
    assert token.claims["exp"] - token.claims["iat"] == granted["expires_in"] == 8 * 3600
    assert token.claims.keys() == {"iss", "aud", "sub", "iat", "exp"}


def test_the_published_keys_are_public(issuer: Issuer) -> None:
    [key] = get(issuer.jwks_url)["keys"]
    assert "d" not in key
    assert key["kid"]


@pytest.mark.parametrize(("secret", "form"), [("guess", {"person": "p-1"}), ("密", {"person": "p-1"}), (None, {"person": ""}), (None, {})])
def test_others_get_no_token(issuer: Issuer, secret: str | None, form: dict[str, str]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(issuer, urllib.parse.quote(secret) if secret else issuer.secret_file.read_text(), **form)
    assert refused.value.code == 401


def test_a_token_is_of_the_stacks_time(issuer: Issuer, clock: StackClock) -> None:
    clock.step(86400)
    keys = KeySet.import_key_set(get(issuer.jwks_url))
    claims = jwt.decode(issuer.token("p-1"), keys, algorithms=["ES256"]).claims
    assert claims["iat"] - time.time() == pytest.approx(86400, abs=60)


def test_a_restart_keeps_the_keys(issuer: Issuer, tmp_path: Path, clock: StackClock) -> None:
    again = Issuer(Vault(tmp_path / "secrets"), free_port(), clock, audience="tiaochu", hours=8)
    assert again.document("/jwks.json") == issuer.document("/jwks.json")

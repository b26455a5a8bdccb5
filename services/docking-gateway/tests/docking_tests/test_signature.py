"""Signatures: the 21 hostile header sets, and agreement with the library of the standard's own authors."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from tiaochu_docking.domain.signature import Check, read_headers, read_secret, sign, tokenise
from tiaochu_domainkit.errors import DomainError
from tiaochu_sandbox.gateway import verify
from tiaochu_sandbox.hostile import hostile_headers

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SECRET = bytes(range(32))
OTHER = bytes(range(32, 64))
IDENT = "019abcde-0000-7000-8000-000000000001"
BODY = '{"姓名":"䶮𠅤㛃"}'.encode()
STAMP = str(int(NOW.timestamp()))


def make(ident: str = IDENT, stamp: str = STAMP, body: bytes = BODY, secret: bytes = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret, f"{ident}.{stamp}.".encode() + body, hashlib.sha256)).decode()


GOOD = f"v1,{make()}"
OLD = str(int(NOW.timestamp()) - 301)

HOSTILE = hostile_headers(SECRET, OTHER, IDENT, NOW, BODY)


def verdict(ident: str, stamp: str, signature: str, body: bytes = BODY, secrets: dict[str, bytes] | None = None) -> str | None:
    headers = read_headers({"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": signature}, NOW)
    check = Check(headers, secrets or {"c1": SECRET})
    for i in range(0, len(body), 3):
        check.update(body[i : i + 3])
    return check.matched()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers_are_judged_and_never_crash(name: str) -> None:
    sent = HOSTILE[name]
    assert judged(sent.ident, sent.stamp, sent.signature) is sent.genuine


def judged(ident: str, stamp: str, signature: str) -> bool:
    try:
        return verdict(ident, stamp, signature) == "c1"
    except DomainError as error:
        if error.reason in {"SIGNATURE_INVALID", "SIGNATURE_STALE"}:
            return False
        raise


@pytest.mark.parametrize("name", HOSTILE)
def test_the_sandbox_court_judges_them_alike(name: str) -> None:
    sent = HOSTILE[name]
    headers = {"webhook-id": sent.ident, "webhook-timestamp": sent.stamp, "webhook-signature": sent.signature}
    assert verify(["whsec_" + base64.b64encode(SECRET).decode()], headers, BODY, NOW) is sent.genuine


def test_there_are_21_hostile_sets() -> None:
    assert len(HOSTILE) == 21


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(missing: str) -> None:
    headers = {"webhook-id": IDENT, "webhook-timestamp": STAMP, "webhook-signature": GOOD}
    del headers[missing]
    with pytest.raises(DomainError) as caught:
        read_headers(headers, NOW)
    assert (caught.value.reason, caught.value.metadata["missing"]) == ("SIGNATURE_MISSING", missing)


def test_a_stale_letter_is_told_our_time() -> None:
    with pytest.raises(DomainError) as caught:
        verdict(IDENT, OLD, GOOD)
    assert caught.value.metadata["server_time"] == "2026-11-24T02:00:00+00:00"


def test_body_id_and_time_are_all_bound() -> None:
    assert verdict(IDENT, STAMP, GOOD, BODY + b" ") is None
    assert verdict(IDENT.replace("1", "2"), STAMP, GOOD) is None
    assert verdict(IDENT, str(int(STAMP) + 1), GOOD) is None


def test_the_secret_that_fits_is_named() -> None:
    assert verdict(IDENT, STAMP, GOOD, secrets={"new": OTHER, "old": SECRET}) == "old"


@given(body=st.binary(max_size=200), offset=st.integers(-299, 299))
def test_the_standards_own_library_accepts_ours_and_we_its(body: bytes, offset: int) -> None:
    at = NOW + timedelta(seconds=offset)
    text = base64.b64encode(body).decode()
    theirs = Webhook("whsec_" + base64.b64encode(SECRET).decode())
    signature = theirs.sign(IDENT, at, text)
    assert sign(IDENT, at, text.encode(), [SECRET])["webhook-signature"] == signature
    assert verdict(IDENT, str(int(at.timestamp())), signature, text.encode()) == "c1"


@given(st.text(max_size=60))
def test_no_header_makes_the_reader_fail(header: str) -> None:
    assert all(len(t) == 32 for t in tokenise(header))


@pytest.mark.parametrize(
    "text", ["whsec_", "whsec_abc", "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_" + base64.b64encode(b"x" * 65).decode()]
)
def test_a_weak_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which of the two rules it breaks does not matter
        read_secret(text)

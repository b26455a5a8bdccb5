"""Whoever is not who they say, or no longer works here, is kept out: forged, stale and strange tokens, rotated keys, posts that ended."""

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from google.protobuf.message import Message
from joserfc import jwt
from joserfc.jwk import ECKey

from security.house import House
from security.line import Answer, Line
from tiaochu.intake.v1 import case_queries_pb2 as queries
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu.reporting.v1 import report_service_pb2 as reporting
from tiaochu.routing.v1 import directory_service_pb2 as directory
from tiaochu_cli.rpcs import method_of, service_of
from tiaochu_demo.directory import CITY
from tiaochu_demo.driver import Actor
from tiaochu_embedded.issuer import Issuer
from tiaochu_kit.ids import new_id
from tiaochu_testkit.waiting import eventually

LIST = queries.ListCasesRequest(page_size=1)


def ask(line: Line, request: Message, token: str, organ: str = "", **metadata: str) -> Answer:
    method = method_of(request)
    told = [("authorization", f"Bearer {token}"), ("tiaochu-organ", organ), *metadata.items()]
    return line.call(service_of(method), method, request.SerializeToString(), metadata=told)


def claims(issuer: Issuer, person: str, **changes: Any) -> dict[str, Any]:
    now = int(issuer._clock.now())
    return {"iss": issuer.url, "aud": "tiaochu", "sub": person, "iat": now, "exp": now + 3600, **changes}


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forgeries(house: House) -> Iterator[tuple[str, str]]:
    """Name and token."""
    issuer = house.stack.parts.issuer
    person = house.cast.role("dispatcher").person_id
    good, now = claims(issuer, person), int(issuer._clock.now())
    kid, head = issuer._key.kid, {"alg": "ES256", "kid": issuer._key.kid, "typ": "JWT"}
    signed = issuer.token(person)
    theirs = ECKey.generate_key("P-256", {"kid": str(kid)})
    public = issuer._key.as_pem(private=False)
    yield "alg none", f"{part({'alg': 'none', 'kid': kid})}.{part(good)}."
    yield "alg none, with a signature", f"{part({'alg': 'none', 'kid': kid})}.{part(good)}.{signed.rsplit('.', 1)[1]}"
    body = f"{part({'alg': 'HS256', 'kid': kid})}.{part(good)}"
    yield "the public key as a shared secret", f"{body}.{part(hmac.digest(public, body.encode(), 'sha256'))}"
    yield "another key of the same name", jwt.encode(head, good, theirs)
    yield "a key the token brings along", jwt.encode({**head, "kid": "x", "jwk": theirs.as_dict(private=False)}, good, theirs)
    for name, changes in (
        ("expired", {"exp": now - 120}),
        ("not yet valid", {"nbf": now + 600}),
        ("made in the future", {"iat": now + 600}),
        ("another audience", {"aud": "another"}),
        ("another issuer", {"iss": "http://127.0.0.1:1"}),
        ("nobody", {"sub": None}),
        ("no end", {"exp": None}),
    ):
        kept = {k: v for k, v in {**good, **changes}.items() if v is not None}
        yield name, jwt.encode(head, kept, issuer._key)
    yield "other claims under a good signature", f"{signed.split('.')[0]}.{part({**good, 'sub': 'operator'})}.{signed.rsplit('.', 1)[1]}"
    for name, header in (
        ("a deep header", b"[" * 3000),
        ("a header that is a list", []),
        ("a header of odd types", {"alg": ["ES256"], "kid": {"a": 1}}),
        ("a critical extension", {**head, "crit": ["x"], "x": 1}),
        ("no algorithm", {"kid": kid}),
    ):
        yield name, f"{part(header)}.{part(good)}.{signed.rsplit('.', 1)[1]}"
    yield from (("one part", "x"), ("no text", "%%%.%%%.%%%"), ("dots", "...."), ("long", "a" * 6000))


@pytest.mark.req("PF5")
async def test_while_the_issuer_changes_its_key_nobody_is_turned_away(house: House, line: Line) -> None:
    """Each of eight callers comes with a token of a key that was published a moment before. Runs first: a forged key's name stops the search for a while."""
    issuer = house.stack.parts.issuer
    actor: Actor = house.cast.role("dispatcher")
    before = issuer._key
    told: list[str] = []
    start = threading.Barrier(8)

    def call() -> None:
        start.wait()
        token = issuer.token(actor.person_id)
        told.extend(ask(line, LIST, token, actor.organ_id).reason for _ in range(3))

    try:
        issuer._key = ECKey.generate_key("P-256", auto_kid=True)
        callers = [threading.Thread(target=call) for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert set(told) == {"OK"}
    finally:
        issuer._key = before
        await eventually(lambda: ask(line, LIST, issuer.token(actor.person_id), actor.organ_id).ok, 15)


@pytest.mark.req("PF5")
def test_no_forged_or_stale_token_opens_anything(house: House, line: Line) -> None:
    organ = house.cast.role("dispatcher").organ_id
    opened = {}
    for name, token in forgeries(house):
        answer = ask(line, LIST, token, organ)
        if answer.reason != "UNAUTHENTICATED":
            opened[name] = str(answer)
    assert not opened


@pytest.mark.req("PF5")
def test_a_token_opens_only_the_posts_of_its_person(house: House, line: Line) -> None:
    stranger = house.others.role("dispatcher")
    mine = house.cast.role("dispatcher")
    token = house.stack.parts.issuer.token(stranger.person_id)
    assert ask(line, LIST, token, stranger.organ_id).ok
    assert ask(line, LIST, token, mine.organ_id).reason == "ROLE_MISSING"
    forged = ask(line, LIST, token, mine.organ_id, **{"tiaochu-service": "routing"})
    assert forged.reason == "ROLE_MISSING"


@pytest.mark.req("PF5")
def test_a_service_is_named_by_its_certificate_and_by_nothing_it_says(house: House, line: Line, service_line: Line) -> None:
    method = method_of(queries.GetPartiesRequest)
    body = queries.GetPartiesRequest(case_id=house.mine.matter.case_id).SerializeToString()
    assert service_line.call("intake", method, body).ok
    assert line.call("intake", method, body, metadata=[("tiaochu-service", "routing")]).reason == "UNAUTHENTICATED"


@pytest.mark.req("PF5")
async def test_who_left_a_post_is_refused_though_the_token_is_valid(house: House, line: Line) -> None:
    admin = house.cast.role("system_admin")
    clerk = house.cast.role("village_mediator")
    organ = house.cast.role("dispatcher").organ_id
    token = house.stack.parts.issuer.token(clerk.person_id)
    asked = house.stack.parts.issuer.token(admin.person_id)

    def gone(request: Message) -> bool:
        return ask(line, request, token, organ).reason == "ROLE_MISSING"

    fill = directory.FillPostRequest(
        district=CITY, request_id=new_id(), person_id=clerk.person_id, organ_id=organ, role="statistician", valid_from_on="2026-01-01"
    )
    answer = ask(line, fill, asked, admin.organ_id)
    assert answer.ok, answer
    post = directory.FillPostResponse.FromString(answer.body).post_id
    await eventually(lambda: ask(line, LIST, token, organ).ok, 15)
    vacate = directory.VacatePostRequest(request_id=new_id(), post_id=post, valid_to_on="2026-01-02")
    answer = ask(line, vacate, asked, admin.organ_id)
    assert answer.ok, answer
    await eventually(partial(gone, LIST), 5)
    for request in (mediation.ListMediationsRequest(), reporting.ListMonthLocksRequest()):
        await eventually(partial(gone, request), 5)

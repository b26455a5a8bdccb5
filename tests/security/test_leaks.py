"""A case is nobody's but theirs who may see it: no RPC shows it, and no refusal tells that it is there."""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings

from security.house import House, every_rpc
from security.line import Answer, Line
from security.messages import Forge
from tiaochu.intake.v1 import case_queries_pb2 as queries
from tiaochu.intake.v1 import file_service_pb2 as files
from tiaochu.options.v1 import options_pb2
from tiaochu_cli.rpcs import method_of, service_of
from tiaochu_demo.driver import Actor, Cast
from tiaochu_demo.driver.rpcs import roles_of
from tiaochu_kit.ids import new_id

RPCS = {f"{program}/{method.containing_service.name}.{method.name}": (program, method) for program, method in every_rpc()}
OF_A_CASE = {name: rpc for name, rpc in RPCS.items() if "case_id" in rpc[1].input_type.fields_by_name}
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def outsiders(house: House, method: MethodDescriptor) -> Iterator[tuple[str, Actor]]:
    """People whose role would do, but not for this case: of the neighbouring district, of another unit, recused. Two of a kind, or all of them."""
    some = None if settings.get_current_profile_name() == "deep" else 2
    roles = roles_of(method)
    tried = sorted(roles) if "*" not in roles else ["dispatcher", "village_mediator", "audit_admin", "system_admin"]
    above = {organ.id for organ in house.cast.upwards(house.mine.organ_id)}
    known = (house.mediator.person_id, house.barred.person_id)
    yield from islice(_holders("the neighbour", house.others, tried, set(), ()), some)
    yield from islice(_holders("another unit", house.cast, tried, above, known), some)
    for post in house.cast.member(house.barred.person_id).posts:
        if "*" in roles or post.role in roles:
            yield "recused", Actor(house.barred.person_id, post.organ_id)


def _holders(
    where: str, cast: Cast, roles: Sequence[str], but_organs: Collection[str], but: Collection[str]
) -> Iterator[tuple[str, Actor]]:
    for role in roles:
        posts = ((m.id, p.organ_id) for m in cast.directory.holders(role) if m.id not in but for p in m.posts if p.role == role)
        found = next((post for post in posts if post[1] not in but_organs), None)
        if found is not None:
            yield f"{role} of {where}", Actor(*found)


def told(answer: Answer) -> tuple[object, ...]:
    """What a refusal says, apart from the ids that were asked for."""
    error = answer.error
    if error is None:
        return ("OK",)
    metadata = tuple(sorted((k, _ID.sub("id", v)) for k, v in error.metadata.items()))
    return answer.code, error.reason, _ID.sub("id", error.message), error.zh, metadata, tuple((v.path, v.reason) for v in error.violations)


@pytest.mark.req("PF5")
@pytest.mark.parametrize("rpc", OF_A_CASE)
def test_what_one_may_not_see_is_answered_like_what_is_not_there(house: House, line: Line, rpc: str) -> None:
    program, method = OF_A_CASE[rpc]
    people = list(outsiders(house, method))
    if not people:
        pytest.skip("for services only")
    forge = Forge(house.known)

    @settings(max_examples=3)
    @given(forge.valid(method.input_type))
    def attempt(message: Message) -> None:
        for who, actor in people:
            answers = []
            for case_id in (house.mine.matter.case_id, new_id()):
                setattr(message, "case_id", case_id)  # noqa: B010 - every message here has the field, no common type says so
                if "request_id" in message.DESCRIPTOR.fields_by_name:
                    setattr(message, "request_id", new_id())  # noqa: B010 - likewise
                answers.append(told(line.call(program, method, message.SerializeToString(), metadata=house.identity(actor))))
            assert answers[0] == answers[1], who

    attempt()


@pytest.mark.req("PF5")
@pytest.mark.parametrize("rpc", RPCS)
def test_no_answer_to_an_outsider_holds_anything_of_the_case(house: House, line: Line, rpc: str) -> None:
    program, method = RPCS[rpc]
    if method.GetOptions().Extensions[options_pb2.access].scope == options_pb2.SCOPE_PUBLIC_CODE:
        pytest.skip("whoever holds the code may ask")
    people = list(outsiders(house, method))
    if not people:
        pytest.skip("for services only")
    mine = {"case_id": [house.mine.matter.case_id], "party_id": house.mine.matter.parties, "text": [house.marks[-2][:20], house.marks[0]]}
    forge = Forge({**house.known, **mine, "page_size": [200]})
    marks = [mark.encode() for mark in house.marks]

    @settings(max_examples=3)
    @given(forge.valid(method.input_type))
    def attempt(message: Message) -> None:
        for who, actor in people:
            answer = line.call(program, method, message.SerializeToString(), metadata=house.identity(actor))
            told_more = [mark.decode() for mark in marks if mark in answer.body and mark not in message.SerializeToString()]
            assert not told_more, who

    attempt()


@pytest.mark.req("PF5")
def test_the_look_for_leaks_sees_what_is_shown(house: House, line: Line) -> None:
    request = queries.GetCaseRequest(case_id=house.mine.matter.case_id)
    actor = house.cast.above(queries.GetCaseRequest, house.mine.organ_id, besides={house.barred.person_id})
    shown = line.call("intake", method_of(request), request.SerializeToString(), metadata=house.identity(actor))
    assert sum(mark.encode() in shown.body for mark in house.marks) >= 6


@pytest.mark.req("PF5")
def test_a_file_of_another_case_is_not_had_by_its_id(house: House, line: Line) -> None:
    actor = house.others.above(files.DownloadRequest, house.theirs.organ_id)
    answers = set()
    for case_id in (house.theirs.matter.case_id, house.mine.matter.case_id):
        for file_id in (house.marks[-1], new_id()):
            request = files.DownloadRequest(case_id=case_id, file_id=file_id)
            answers.add(line.call("intake", method_of(request), request.SerializeToString(), metadata=house.identity(actor)).reason)
    assert answers == {"NOT_FOUND"}


@pytest.mark.req("PF5")
def test_a_page_token_serves_only_whom_it_was_given(house: House, line: Line) -> None:
    request = queries.ListCasesRequest(page_size=1)
    method = method_of(request)
    first, other = house.cast.role("dispatcher"), house.cast.role("office_director")
    given_out = line.call(service_of(method), method, request.SerializeToString(), metadata=house.identity(first))
    request.page_token = queries.ListCasesResponse.FromString(given_out.body).next_page_token
    assert request.page_token
    assert line.call("intake", method, request.SerializeToString(), metadata=house.identity(first)).ok
    refused = line.call("intake", method, request.SerializeToString(), metadata=house.identity(other))
    assert refused.reason == "FIELD_INVALID"
    assert [(v.path, v.reason) for v in refused.error.violations] == [("page_token", "OTHER_QUESTION")]  # type: ignore[union-attr]

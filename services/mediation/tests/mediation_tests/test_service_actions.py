"""ListAllowedActions says what the commands would do."""

import pytest

from tiaochu_kit.principal import Principal

from .centre import Case, Centre, behalf  # noqa: TID252 - tests of one package

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def answers(centre: Centre, case: Case, by: Principal) -> dict[str, str]:
    """RPC → reason, empty where allowed."""
    listed = (await centre.do("ListAllowedActions", case, by)).actions
    assert all(a.allowed != bool(a.reason) and bool(a.reason) == bool(a.reason_zh) for a in listed)
    return {a.action: a.reason for a in listed}


async def test_it_follows_the_case_and_the_person(centre: Centre) -> None:
    people = centre.people
    case = await centre.register()
    await centre.accept(case)
    clerk = await answers(centre, case, people.clerk)
    assert clerk["ChooseMediator"] == clerk["TerminateMediation"] == ""
    assert clerk["HoldSession"] == "ROLE_MISSING"
    assert clerk["CloseCase"] == clerk["RecordPerformance"] == "STATE_FORBIDS"
    await centre.assign(case)
    mediator = await answers(centre, case, people.mediator)
    assert mediator["HoldSession"] == "NO_SESSION_APPOINTED"
    assert (await answers(centre, case, people.other))["HoldSession"] == "NOT_THE_MEDIATOR"
    await centre.schedule(case)
    assert (await answers(centre, case, people.mediator))["HoldSession"] == "NOTICE_MISSING"
    await centre.tell(case)
    assert (await answers(centre, case, people.mediator))["HoldSession"] == ""
    await centre.hold(case, "agreed")
    assert (await answers(centre, case, people.mediator))["DraftAgreement"] == ""
    assert (await answers(centre, case, people.head))["ApproveSession"] == "SESSION_APPROVAL_NOT_NEEDED"


@pytest.mark.req("MD2")
async def test_while_a_request_waits_the_head_decides_and_nobody_holds(centre: Centre) -> None:
    people = centre.people
    case = await centre.prepared()
    await centre.do("RaiseRecusal", case, people.clerk, mediator_id=people.mediator.id, on_behalf_of=behalf(case.applicant))
    await centre.assign(case, people.other)
    await centre.do("RaiseRecusal", case, people.clerk, mediator_id=people.other.id, on_behalf_of=behalf(case.applicant))
    await centre.schedule(case)
    assert (await answers(centre, case, people.other))["HoldSession"] == "RECUSAL_PENDING"
    assert (await answers(centre, case, people.head))["DecideRecusal"] == ""
    recusal = (await centre.do("GetMediation", case, people.head)).mediation.recusals[-1]
    await centre.do("DecideRecusal", case, people.head, recusal_id=recusal.recusal_id, replaced=False, reason="理由不成立")
    assert (await answers(centre, case, people.other))["HoldSession"] == ""

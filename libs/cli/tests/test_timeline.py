"""A case as a story."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tiaochu.log.v1.log_service_pb2 import LoggedEvent, ReadSubjectResponse
from tiaochu.reporting.v1.report_service_pb2 import TimelineEntry
from tiaochu_cli.events import FILES
from tiaochu_cli.names import Names
from tiaochu_cli.output import message_dict
from tiaochu_cli.timeline.entries import timeline_of
from tiaochu_cli.timeline.story import district_of, tell
from tiaochu_cli.timeline.wording import WORDINGS, told
from tiaochu_domainkit.errors import DomainError, Kind, not_found

WITHOUT_CASE = {
    "LineageStarted",
    "OrganPlaced",
    "PostFilled",
    "PostVacated",
    "DeputyAppointed",
    "DeputyEnded",
    "KeywordTableChanged",
    "PolicyPut",
    "AgencyAdded",
    "CredentialIssued",
    "CredentialRetired",
    "EndpointChanged",
    "LiaisonsNamed",
    "MonthLocked",
    "Obligation",
}
"""Messages of the event files that no case's story can hold."""


class Nobody:
    """A wire on which no service answers."""

    def call(self, *_: Any, **__: Any) -> Any:
        raise DomainError(Kind.UNAVAILABLE, "UNAVAILABLE", "", "")


def names() -> Names:
    made: Any = Nobody()
    return Names(made)


def test_every_event_of_a_case_is_put_into_words() -> None:
    events = {name for file in FILES for name in file.DESCRIPTOR.message_types_by_name}
    assert events - set(WORDINGS) == WITHOUT_CASE
    assert set(WORDINGS) <= events


def test_every_wording_stands_an_event_whose_fields_are_all_empty() -> None:
    for file in FILES:
        for name in file.DESCRIPTOR.message_types_by_name:
            if name in WORDINGS:
                body = message_dict(getattr(file, name)())
                assert told(name, body, names()) != name, f"{name} fails on its own fields"


def test_an_event_of_a_later_release_is_shown_by_its_name() -> None:
    assert told("CaseTeleported", {"case_id": "x"}, names()) == "CaseTeleported"
    assert told("CaseAccepted", {}, names()) == "CaseAccepted"


def entry(service: str, name: str, body: str, minute: int, recorded: int | None = None, actor: str = "p") -> TimelineEntry:
    made = TimelineEntry(service=service, type=f"tiaochu.{service}.events.v1.{name}", body_json=body, actor=actor)
    made.occurred_at.FromDatetime(datetime(2026, 11, 2, 1, minute, tzinfo=UTC))
    made.recorded_at.FromDatetime(datetime(2026, 11, 2, 1, minute if recorded is None else recorded, tzinfo=UTC))
    return made


def test_a_story_says_who_what_when_and_where() -> None:
    entries = [
        entry("intake", "CaseRegistered", '{"case_number": "329901-2026-001-000001", "channel": "window"}', 0),
        entry("routing", "ResponsibilityStarted", '{"organ_id": "A"}', 0, actor="service:routing"),
        entry("routing", "TransferSigned", '{"from_organ_id": "A", "to_organ_id": "B"}', 20),
        entry("mediation", "CaseClosed", '{"result": "performed"}', 30),
    ]
    entries[2].deputised_post = "post"
    steps = tell(entries, names())
    assert [s.where for s in steps] == ["A", "A", "B", "B"]
    assert [s.who for s in steps] == ["p", "分流服务", "p(代理)", "p"]
    assert f"{steps[0].at:%H:%M}" == "09:00"
    assert "329901-2026-001-000001" in steps[0].what
    assert "已履行" in steps[3].what
    assert district_of(entries) == "329901"


def test_what_was_recorded_late_stands_where_the_case_was_when_it_was_recorded() -> None:
    """An act that happened before the transfer and was written down after it was written down by the new unit."""
    entries = [
        entry("routing", "ResponsibilityStarted", '{"organ_id": "A"}', 0),
        entry("mediation", "NoticeAcknowledged", "{}", 10, recorded=40),
        entry("routing", "TransferSigned", '{"to_organ_id": "B"}', 20),
    ]
    assert [s.where for s in tell(entries, names())] == ["A", "B", "B"]


def test_agencies_are_called_by_their_names() -> None:
    ident, court = "019b76da-a800-78eb-8858-2dbcfbd3b583", "示范区人民法院"

    def call(request: Any, **_: Any) -> Any:
        asked = getattr(request, "agency_ids", ())
        return SimpleNamespace(names=dict.fromkeys(asked, court), organs=(), next_page_token="")

    wire: Any = SimpleNamespace(call=call)
    body = f'{{"agency_id": "{ident}", "docking": "court", "external_no": "1", "kind": "sign"}}'
    entries = [
        entry("docking", "OfferReceived", body, 0, actor=f"agency:{ident}"),
        entry("docking", "PacketIssued", body, 1, actor="service:docking"),
    ]
    offered, answered = tell(entries, Names(wire))
    assert offered.who == court
    assert court in offered.what
    assert court in answered.what


class Journals:
    """A wire on which these services answer with these events, and the others do not show the case."""

    def __init__(self, **told: list[LoggedEvent]) -> None:
        self._told = told
        self.cell = SimpleNamespace(addresses=dict.fromkeys(("routing", "intake", "reporting", "docking")))

    def call(self, request: Any, *, service: str) -> ReadSubjectResponse:
        if service not in self._told:
            raise not_found("case", request.case_id)
        return ReadSubjectResponse(events=self._told[service])


def logged(name: str, position: int, second: int) -> LoggedEvent:
    event = LoggedEvent(type=name, position=position, event_id=str(-position), headers='{"actor": "p", "organ": "o"}', payload=b"")
    event.occur_time.FromDatetime(datetime(2026, 11, 2, 1, 0, second, tzinfo=UTC))
    event.record_time.CopyFrom(event.occur_time)
    return event


def test_what_happened_at_one_moment_is_told_in_the_order_of_the_journal() -> None:
    intake = [logged("tiaochu.intake.events.v1.CaseRegistered", 4, 1), logged("tiaochu.intake.events.v1.CaseTeleported", 5, 1)]
    routing = [logged("tiaochu.routing.events.v1.ResponsibilityStarted", 9, 1), logged("tiaochu.routing.events.v1.LeadNamed", 3, 0)]
    wire: Any = Journals(intake=intake, routing=routing)
    entries = timeline_of(wire, "c").entries
    assert [(e.service, e.position) for e in entries] == [("routing", 3), ("intake", 4), ("intake", 5), ("routing", 9)]
    assert (entries[1].actor, entries[1].organ_id, entries[1].body_json) == ("p", "o", "{}")
    assert not entries[2].body_json, "a type of a later release has no body here"


def test_a_case_that_nobody_shows_is_not_found() -> None:
    wire: Any = Journals()
    with pytest.raises(DomainError, match="NOT_FOUND"):
        timeline_of(wire, "c")


def test_names_are_asked_for_once_and_in_parts() -> None:
    asked: list[int] = []

    def call(request: Any, **_: Any) -> Any:
        asked.append(len(request.person_ids))
        return SimpleNamespace(names={person: f"name {person[-3:]}" for person in request.person_ids})

    wire: Any = SimpleNamespace(call=call)
    known = Names(wire)
    persons = [f"019b76da-a800-746d-95fb-467fba8c{number:04d}" for number in range(250)]
    known.learn(persons)
    known.learn(persons)
    assert asked == [200, 50]
    assert known.person(persons[7]) == "name 007"
    assert known.person("service:routing") == "service:routing"

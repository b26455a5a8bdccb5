"""A case as it went: who did what, when, and which unit was responsible then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tiaochu.reporting.v1.report_service_pb2 import TimelineEntry
from tiaochu_cli.events import from_json, name_of
from tiaochu_cli.moments import beijing_of
from tiaochu_cli.names import Names
from tiaochu_cli.output import message_dict
from tiaochu_cli.timeline.wording import told

_SERVICES = {"intake": "受理服务", "routing": "分流服务", "mediation": "调解服务", "docking": "对接网关", "reporting": "统计服务"}
_AGENCY = "agency:"
_HOLDERS = {"ResponsibilityStarted": "organ_id", "TransferSigned": "to_organ_id", "UnitDesignated": "organ_id"}
"""Events that make a unit responsible, and the field that names it."""


@dataclass(frozen=True)
class Step:
    """One line of the story."""

    at: datetime
    who: str
    what: str
    where: str


def tell(entries: Sequence[TimelineEntry], names: Names) -> list[Step]:
    """The story of these events. Responsibility moves when an event was recorded, so the unit of a line is the one that held the case then."""
    bodies = [_body(entry) for entry in entries]
    persons = [*(e.actor for e in entries), *(b["mediator_id"] for b in bodies if "mediator_id" in b)]
    agencies = [
        *(e.actor.removeprefix(_AGENCY) for e in entries if e.actor.startswith(_AGENCY)),
        *(b["agency_id"] for b in bodies if "agency_id" in b),
    ]
    names.learn(persons, agencies)
    holders = _holders(entries, bodies)
    return [
        Step(
            beijing_of(entry.occurred_at),
            _who(entry, names),
            told(_name(entry), body, names),
            names.organ(_holder(holders, entry)),
        )
        for entry, body in zip(entries, bodies, strict=True)
    ]


def district_of(entries: Sequence[TimelineEntry]) -> str:
    """The district of the case: the beginning of its number; empty where the registration is not told."""
    for entry in entries:
        if _name(entry) == "CaseRegistered":
            return str(_body(entry).get("case_number", ""))[:6]
    return ""


def _holders(entries: Sequence[TimelineEntry], bodies: Sequence[dict[str, Any]]) -> list[tuple[int, str]]:
    """(recorded, organ) in order."""
    found = [
        (entry.recorded_at.ToNanoseconds(), str(body.get(_HOLDERS[_name(entry)], "")))
        for entry, body in zip(entries, bodies, strict=True)
        if _name(entry) in _HOLDERS
    ]
    return sorted(found)


def _holder(holders: Sequence[tuple[int, str]], entry: TimelineEntry) -> str:
    """Who was responsible when the event was recorded; before the first, the one who received it."""
    held = [organ for since, organ in holders if since <= entry.recorded_at.ToNanoseconds()]
    return held[-1] if held else (holders[0][1] if holders else "")


def _who(entry: TimelineEntry, names: Names) -> str:
    if entry.actor.startswith(_AGENCY):
        return names.agency(entry.actor.removeprefix(_AGENCY))
    service = entry.actor.removeprefix("service:")
    if service != entry.actor:
        return _SERVICES.get(service, service)
    return names.person(entry.actor) + ("(代理)" if entry.deputised_post else "")


def _name(entry: TimelineEntry) -> str:
    return name_of(entry.type)


def _body(entry: TimelineEntry) -> dict[str, Any]:
    """The event's message with all its fields; empty for a type this release does not know."""
    try:
        return message_dict(from_json(entry.type, entry.body_json)) if entry.body_json else {}
    except KeyError:
        return {}

"""Docking (对接): which packets may pass between us and a kind of agency, under which conditions. Data, read from a dated file."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from tiaochu_docking.domain.conditions import Condition
from tiaochu_docking.domain.packet import SENDER, Kind, Role, Side
from tiaochu_docking.domain.schema import Struct
from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.clocks import Length, due
from tiaochu_domainkit.errors import DomainError, FieldViolation, denied
from tiaochu_domainkit.errors import Kind as ErrorKind

CLOSING_FACTS = frozenset({"result_receipted", "certificate_receipted", "opinion_present", "entry_receipt"})
"""What a docking can wait for before an answered exchange closes."""


@dataclass(frozen=True)
class Rule:
    """What one kind of packet must look like in one mode.

    `content` is its schema, `needs` the conditions, `never` the JSON pointers below `/data` that must be absent, `grounds` the codes
    allowed (empty: any), `outcomes` the content fields each outcome requires, `facts` the closing
    facts a field of its content brings, `sender` the only side that may send a notice.
    """

    content: Struct
    needs: tuple[Condition, ...] = ()
    never: tuple[str, ...] = ()
    grounds: frozenset[str] = frozenset()
    outcomes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    sender: Side | None = None


@dataclass(frozen=True)
class Basis:
    """On what data pass (个人信息保护法 13): kind B1 statutory duty, B2 separate consent, B3 entrusted processing, B4 emergency."""

    kind: str
    law: str
    purpose: str


@dataclass(frozen=True)
class Mode:
    """One way of docking: before_filing, confirm …

    `channel` is intake's channel of an inbound case; empty where the offer brings no new case. `sign_within` runs from the offer;
    with `lapses` an unsigned offer ends then, else somebody is told.
    """

    name: str
    title: str
    docking: str
    docking_from: str
    schema_set: str
    offerer: Side
    rules: Mapping[Kind, Rule]
    basis: Basis
    channel: str = ""
    moves_responsibility: bool = False
    sign_within: Length | None = None
    lapses: bool = False
    objection: Length | None = None
    reopening_verdicts: frozenset[str] = frozenset()
    close_when: frozenset[str] = frozenset({"result_receipted"})
    decides_confirmation: bool = False

    def kinds_from(self, side: Side) -> frozenset[Kind]:
        """What this side may send at all."""
        role = Role.OFFERER if side is self.offerer else Role.RECEIVER
        return frozenset(k for k in self.rules if k in SENDER and SENDER[k] in (None, role))

    def lapse_at(self, offered_at: datetime) -> datetime | None:
        """When an unsigned offer ends; never on a year whose calendar is not published yet."""
        if self.sign_within is None or not self.lapses:
            return None
        end = due(offered_at, self.sign_within, published())
        return None if end.provisional else end.at

    def objection_until(self, signed_at: datetime) -> datetime | None:
        """Until when a signed matter may still be given back."""
        return due(signed_at, self.objection, published()).at if self.objection else None

    def check_ground(self, kind: Kind, ground: str) -> None:
        """`CODE_UNKNOWN` unless the ground is one of this docking's."""
        allowed = self.rules[kind].grounds
        if not ground or (allowed and ground not in allowed):
            raise _code_unknown("/data/content/ground", allowed)

    def rule(self, kind: Kind) -> Rule:
        """The rule of a kind; `KIND_NOT_ALLOWED` if the mode has none."""
        found = self.rules.get(kind)
        if found is None:
            raise denied("KIND_NOT_ALLOWED", f"{kind} does not exist in {self.name}", "本对接没有此类函件")
        return found


@dataclass(frozen=True)
class Docking:
    """One dated version of a docking."""

    name: str
    title: str
    valid_from: date
    schema_set: str
    modes: Mapping[str, Mode]
    codes: Mapping[str, Mapping[str, str]]
    party_fields: frozenset[str]
    notices: Mapping[str, Rule] = field(default_factory=dict)
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def translate(self, code_set: str, code: str, allowed: Container[str] | None = None) -> str:
        """A code of ours in the words of this docking: as listed, or the same word where the docking has it too, else `other`."""
        listed = self.translations.get(code_set, {}).get(code)
        known = self.codes.get(code_set, {}) if allowed is None else allowed
        return listed or (code if code in known else "other")

    def mode(self, name: str) -> Mode:
        """A mode by its code; `CODE_UNKNOWN` for others."""
        found = self.modes.get(name)
        if found is None:
            raise _code_unknown("/data/content/mode", frozenset(self.modes))
        return found


@dataclass(frozen=True)
class Dockings:
    """All versions of all dockings of this gateway."""

    versions: tuple[Docking, ...]

    def valid(self, name: str, on: date) -> Docking:
        """The version in force on a day; `DOCKING_CLOSED` if none is."""
        found = max((d for d in self.versions if d.name == name and d.valid_from <= on), key=lambda d: d.valid_from, default=None)
        if found is None:
            raise denied("DOCKING_CLOSED", f"no docking {name} on {on}", "该对接尚未开通或已停止", docking=name)
        return found

    def version(self, name: str, valid_from: str) -> Docking:
        """The version an exchange was offered under and stays on."""
        return next(d for d in self.versions if d.name == name and d.valid_from.isoformat() == valid_from)

    def mode_of(self, docking: str, docking_from: str, mode: str) -> Mode:
        """The mode of an exchange."""
        return self.version(docking, docking_from).mode(mode)

    @property
    def names(self) -> frozenset[str]:
        """Every docking configured."""
        return frozenset(d.name for d in self.versions)

    def by_set(self, schema_set: str) -> Docking | None:
        """The docking whose schemas these are."""
        return next((d for d in reversed(self.versions) if d.schema_set == schema_set), None)


def _code_unknown(path: str, allowed: frozenset[str]) -> DomainError:
    listed = ",".join(sorted(allowed))
    return DomainError(
        ErrorKind.INVALID_INPUT,
        "CODE_UNKNOWN",
        f"{path}: unknown code",
        "代码不在字典中",
        {"field": path, "allowed": listed},
        (FieldViolation(path, "CODE_UNKNOWN", f"代码应为:{listed}" if listed else "请填写代码"),),
    )

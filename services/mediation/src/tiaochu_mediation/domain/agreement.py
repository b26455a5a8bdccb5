"""Agreements and what was promised in them. Their words stand in a row of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tiaochu_mediation.domain import events

PARTY, MEDIATOR, SEAL = "party", "mediator", "seal"
WRITTEN, ORAL = "written", "oral"
PAY = "pay"


@dataclass(frozen=True)
class Promise:
    """An obligation as it is proposed. `detailed`: its words say what exactly is owed."""

    obligation_id: str
    kind: str
    obligor: str
    obligee: str
    amount_fen: int = 0
    due_on: date | None = None
    instalment: int = 0
    detailed: bool = False


@dataclass(frozen=True)
class Performance:
    """What one entry of the ledger did: the rest of the entry stands in a row of its own."""

    late: bool
    entirely: bool


@dataclass
class Obligation:
    """One promise, or one instalment of it. State: open → performed; open → breached → performed."""

    id: str
    kind: str
    obligor: str
    obligee: str
    amount_fen: int = 0
    due_on: date | None = None
    instalment: int = 0
    detailed: bool = False
    state: str = "open"
    performed_fen: int = 0
    last_performed_on: date | None = None
    """Day of the latest performance; nothing while nothing was performed."""

    @property
    def is_executable(self) -> bool:
        """Clear enough for a court's ruling to be enforced: who, what, by when (法释〔2011〕5号 7(五): 内容不明确)."""
        return self.due_on is not None and (self.amount_fen > 0 if self.kind == PAY else self.detailed)


@dataclass
class Mark:
    """A required signature, seal or fingerprint."""

    signed_as: str
    signer_id: str
    signed_at: datetime | None = None
    method: str = ""
    kind: str = ""
    scan_file_id: str = ""

    def void(self) -> None:
        """As if it had not been made."""
        self.signed_at, self.method, self.kind, self.scan_file_id = None, "", "", ""


@dataclass
class Confirmation:
    """A joint application to the court. `ruling` is empty while the court is at it."""

    id: str
    agency_id: str
    requested_at: datetime
    obligation_ids: list[str]
    ruling: str = ""
    ruling_no: str = ""
    ruled_on: date | None = None


@dataclass
class Agreement:
    """State: signing → effective | dropped. A new edition keeps the id and voids the marks."""

    id: str
    number: str
    form: str
    edition: int
    partial: bool
    settles_identity: bool
    paper_only: bool
    labour: bool
    agreed_at: datetime
    text_id: str
    text_sha256: str
    obligations: list[Obligation]
    marks: list[Mark]
    state: str = "signing"
    effective_at: datetime | None = None
    confirmations: list[Confirmation] = field(default_factory=list)

    @property
    def missing_marks(self) -> list[Mark]:
        """What is still to be signed."""
        return [m for m in self.marks if m.signed_at is None]

    @property
    def is_performed(self) -> bool:
        """Nothing promised is open."""
        return all(o.state == "performed" for o in self.obligations)

    @property
    def amount_fen(self) -> int:
        """The sum of its obligations to pay."""
        return sum(o.amount_fen for o in self.obligations if o.kind == PAY)

    def obligation(self, obligation_id: str) -> Obligation | None:
        """The obligation of that id, if it is one of this agreement."""
        return next((o for o in self.obligations if o.id == obligation_id), None)

    def mark(self, signed_as: str, signer_id: str) -> Mark | None:
        """The required mark. The mediator's is whoever mediates now."""
        return next((m for m in self.marks if m.signed_as == signed_as and (signed_as == MEDIATOR or m.signer_id == signer_id)), None)

    def void_mark(self, signed_as: str) -> None:
        """Void the marks of that kind."""
        for mark in self.marks:
            if mark.signed_as == signed_as:
                mark.void()

    def promised(self) -> tuple[events.Obligation, ...]:
        """What the event says was promised."""
        return tuple(events.Obligation(o.id, o.kind, o.amount_fen, o.due_on) for o in self.obligations)


def obligations_of(promises: Sequence[Promise]) -> list[Obligation]:
    """Promises, now written down."""
    return [Obligation(p.obligation_id, p.kind, p.obligor, p.obligee, p.amount_fen, p.due_on, p.instalment, p.detailed) for p in promises]

"""What the generators hand out. Words and codes are those of the registration command, so that feeding is a matter of copying."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Representative:
    """Acts for a party. `kind`: agent, guardian or legal_representative; `authority` of an agent: general or special."""

    kind: str
    name: str
    id_type: str
    id_number: str
    phone: str
    relation: str
    authority: str = ""


@dataclass(frozen=True)
class Party:
    """A person or organisation. `id_type`: resident_id, passport, credit_code, none …; `identity_note` where there is no paper."""

    kind: str  # person | organisation
    name: str
    id_type: str
    id_number: str
    sex: str = ""
    born_on: date | None = None
    phone: str = ""
    region_code: str = ""
    address: str = ""
    occupation: str = ""
    identity_note: str = ""
    electronic_address: str = ""
    care: tuple[str, ...] = ()
    representatives: tuple[Representative, ...] = ()


@dataclass(frozen=True)
class Claim:
    """`kind`: pay, return, repair, exchange, act, refrain, apology, confirm or other; 0 fen where no money is asked."""

    kind: str
    text: str
    amount_fen: int


@dataclass(frozen=True)
class SyntheticFile:
    """A paper: `media_type` is what its content is, `kind` what it is for."""

    name: str
    kind: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class SyntheticCase:
    """One dispute as it comes through one door.

    `occurred_on` is the day the dispute arose; `received_on` the day the first receiver took it, which is earlier than the day of
    registration for entries made late; `registered_after` is the time from the start of the demonstration until it is registered. `category` is
    the truth the text was written for; `twin_of` names the key of the case that is the same dispute through another door.
    """

    key: str
    channel: str
    source: str
    first_receiver_organ_id: str
    occurred_on: date
    received_on: date
    registered_after: timedelta
    region_code: str
    place: str
    applicants: tuple[Party, ...]
    respondents: tuple[Party, ...]
    facts: str
    claims: tuple[Claim, ...]
    amount_fen: int
    category: str
    flags: tuple[str, ...]
    difficulty: str  # simple | ordinary | complex | major
    scale: str  # 01 | 02 | 03
    risk: str  # none | blue | yellow | orange | red
    single_legal_relation: bool
    files: tuple[SyntheticFile, ...] = ()
    twin_of: str = ""
    external_no: str = ""
    cause: str = ""
    clock_start_on: date | None = None

    @property
    def parties(self) -> tuple[Party, ...]:
        return self.applicants + self.respondents

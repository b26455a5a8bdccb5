"""One dispute, many doors: which other entries may be the same dispute (domain guide §5.3). A person decides."""

from collections.abc import Iterable
from dataclasses import dataclass

from tiaochu_domainkit import text
from tiaochu_intake.domain.parties import Party

SAME_PARTIES, SAME_PLACE = "same_parties", "same_place"


@dataclass(frozen=True)
class Fingerprint:
    """What duplicates are found by: blind indexes of each side, class, place, and the bigrams of the facts."""

    case_id: str
    applicants: frozenset[str]
    respondents: frozenset[str]
    category_group: str
    place: str
    bigrams: frozenset[str]


@dataclass(frozen=True)
class Candidate:
    """Another case, why, and how alike the texts are (0 to 100)."""

    case_id: str
    ground: str
    similarity: int


def indexes(parties: Iterable[Party]) -> frozenset[str]:
    """Blind indexes of the paper numbers and phones of one side."""
    return frozenset(index for party in parties for index in party.indexes)


def bigrams(facts: str) -> frozenset[str]:
    """What the likeness of two texts is measured on."""
    return frozenset(text.index_tokens(facts))


def similarity(one: frozenset[str], other: frozenset[str]) -> int:
    """Share of common bigrams in the shorter text, in percent: a short hotline note is found again in a long application."""
    shorter = min(len(one), len(other))
    return 100 * len(one & other) // shorter if shorter else 0


def compare(case: Fingerprint, other: Fingerprint, alike_from: int) -> Candidate | None:
    """Whether `other` may be the same dispute: two parties in common on opposite sides of one class, or place, respondent and text alike."""
    if case.case_id == other.case_id:
        return None
    likeness = similarity(case.bigrams, other.bigrams)
    # Either may have come first as the applicant: the other side may bring the same quarrel to another door.
    same_sides = case.applicants & other.applicants and case.respondents & other.respondents
    swapped = case.applicants & other.respondents and case.respondents & other.applicants
    if case.category_group and case.category_group == other.category_group and (same_sides or swapped):
        return Candidate(other.case_id, SAME_PARTIES, likeness)
    if case.place and case.place == other.place and case.respondents & other.respondents and likeness >= alike_from:
        return Candidate(other.case_id, SAME_PLACE, likeness)
    return None


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Most likely first: same parties before same place, then by likeness."""
    return sorted(candidates, key=lambda c: (c.ground != SAME_PARTIES, -c.similarity, c.case_id))

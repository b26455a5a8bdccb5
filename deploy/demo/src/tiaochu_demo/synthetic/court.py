"""The 20 cases a court delegates before filing (委派), with their papers, and the content of its offer (dockings §3.1)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from tiaochu_demo.directory.model import Directory
from tiaochu_demo.synthetic import papers
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_demo.synthetic.model import Claim, Party, SyntheticCase, SyntheticFile

TOTAL = 20
COURT_CODE = "329901"
# Every case has these papers in this order; F6, the proof of representation, only where somebody acts for a party.
PAPER_KINDS = {"F1": "plaint", "F2": "evidence", "F3": "assignment_letter", "F4": "consent", "F5": "evidence", "F6": "identity"}
# Leaf with its cause of action (民事案由); courts delegate more contracts and loans than villages see.
CAUSES = (
    ("0201", "相邻用水、排水纠纷", 3),
    ("0202", "相邻土地、建筑物利用关系纠纷", 3),
    ("0203", "相邻污染侵害纠纷", 1),
    ("0102", "赡养纠纷", 1),
    ("0103", "法定继承纠纷", 1),
    ("0402", "物业服务合同纠纷", 3),
    ("0804", "民间借贷纠纷", 3),
    ("0503", "机动车交通事故责任纠纷", 2),
    ("0603", "买卖合同纠纷", 1),
    ("0602", "房屋租赁合同纠纷", 1),
    ("0507", "提供劳务者受害责任纠纷", 1),
)


@dataclass(frozen=True)
class CourtOffer:
    """What the court sends: the case and the parts of its `offer` packet, by push or over the pull feed.

    Papers are named by the references `F1`, `F2` …; `packet` puts in the ids that the gateway gave on upload.
    """

    case: SyntheticCase
    content: dict[str, Any]
    consents: tuple[dict[str, Any], ...]
    channel: str  # push | pull

    @property
    def files(self) -> dict[str, SyntheticFile]:
        """The papers by reference."""
        return {f"F{number}": file for number, file in enumerate(self.case.files, 1)}

    def packet(self, ids: Mapping[str, str]) -> dict[str, Any]:
        """`external_no`, `content`, `consents` and `files` of the packet, each file reference replaced by its id."""
        listed = [
            {"file_id": ids[ref], "sha256": sha256(file.content).hexdigest(), "kind": PAPER_KINDS[ref], "name": file.name}
            for ref, file in self.files.items()
        ]
        return {
            "external_no": self.case.external_no,
            "content": _with_ids(self.content, ids),
            "consents": _with_ids(list(self.consents), ids),
            "files": listed,
        }


def _with_ids(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _with_ids(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_ids(part, ids) for part in value]
    return ids.get(value, value) if isinstance(value, str) else value


def court_offers(directory: Directory, seed: int, today: date, *, round_number: int = 1) -> tuple[CourtOffer, ...]:
    """`TOTAL` offers over three days from `today`, every fifth over the pull feed. Each round goes on where the one before stopped counting."""
    rng = Random(f"court:{seed}")
    book = Casebook(directory, rng, today)
    plan = [(leaf, cause) for leaf, cause, count in CAUSES for _ in range(count)]
    rng.shuffle(plan)
    offers = []
    for number, (leaf, cause) in enumerate(plan, 1):
        after = timedelta(days=(number - 1) * 3 // TOTAL, hours=9, minutes=number * 11)
        received = today + timedelta(days=after.days)
        case = book.write(
            f"court:{number:02d}",
            leaf,
            "court",
            directory.organs_by_code["court"],
            received_on=received,
            registered_after=after,
        )
        case = replace(
            case,
            applicants=tuple(_served(p, rng) for p in case.applicants),
            respondents=tuple(_served(p, rng) for p in case.respondents),
            external_no=f"({received.year})苏9901诉前调{1020 + TOTAL * round_number + number}号",
            cause=cause,
            clock_start_on=received,
        )
        case = replace(case, files=_papers(case, rng))
        offers.append(CourtOffer(case, _content(case), _consents(case), "pull" if number % 5 == 0 else "push"))
    return tuple(offers)


def _served(party: Party, rng: Random) -> Party:
    return replace(party, electronic_address=f"party{rng.randrange(10**6):06d}@example.invalid") if rng.random() < 0.7 else party


def _papers(case: SyntheticCase, rng: Random) -> tuple[SyntheticFile, ...]:
    applicant, respondent = case.applicants[0], case.respondents[0]
    heading = [f"原告:{applicant.name}", f"被告:{respondent.name}", f"案由:{case.cause}"]
    asked = [f"{n}. {c.text}" for n, c in enumerate(case.claims, 1)]
    plaint = papers.letter(
        "起诉状.pdf", "application", "民事起诉状", [*heading, "诉讼请求:", *asked, "事实与理由:", *papers.wrapped(case.facts)]
    )
    listed = papers.letter("证据目录.pdf", "evidence", "证据目录", ["1. 现场照片", "2. 转账记录或票据复印件", "3. 身份证明"])
    letter = papers.letter("委派调解函.pdf", "other", f"{case.external_no} 委派调解函", [*heading, "现委派你中心进行诉前调解,期限三十日。"])
    consent = papers.letter("同意诉前调解确认书.pdf", "other", "同意诉前调解确认书", [f"{applicant.name}同意由人民调解组织先行调解。"])
    photo = papers.photo(f"证据1.{rng.choice(('jpg', 'png'))}", rng)
    acting = [f"{p.name}由{r.name}({r.relation})代表" for p in case.parties for r in p.representatives]
    proof = (papers.letter("身份及授权证明.pdf", "power_of_attorney", "身份及授权证明", acting),) if acting else ()
    return plaint, listed, letter, consent, photo, *proof


def _content(case: SyntheticCase) -> dict[str, Any]:
    return {
        "mode": "before_filing",
        "court_code": COURT_CODE,
        "cause": case.cause,
        "category": case.category,
        "facts": case.facts,
        "place": case.place,
        "region": case.region_code,
        "occurred_on": case.occurred_on.isoformat(),
        "procedure": "summary" if case.difficulty == "simple" else "ordinary",
        "clock_start_on": str(case.clock_start_on),
        "claims": [_claim(c) for c in case.claims],
        "parties": [
            *(block for n, p in enumerate(case.applicants, 1) for block in _party(p, f"A{n}", "applicant")),
            *(block for n, p in enumerate(case.respondents, 1) for block in _party(p, f"R{n}", "respondent")),
        ],
        "plaint": "F1",
        "evidence_list": ["F2", "F5"],
        "assignment_letter": "F3",
    }


def _consents(case: SyntheticCase) -> tuple[dict[str, Any], ...]:
    """Every applicant agreed to mediation before filing (人民法院在线调解规则 8)."""
    at = f"{case.clock_start_on}T09:00:00+08:00"
    return tuple({"party_ref": f"A{n}", "what": "诉前调解", "at": at, "file": "F4"} for n in range(1, len(case.applicants) + 1))


def _claim(claim: Claim) -> dict[str, str]:
    amount = f"{claim.amount_fen // 100}.{claim.amount_fen % 100:02d}" if claim.amount_fen else ""
    return _filled(kind=claim.kind, text=claim.text, amount=amount)


def _party(party: Party, ref: str, role: str) -> Iterator[dict[str, Any]]:
    """Party blocks P of dockings §2: the party, then who acts for it. Empty fields are left out."""
    person = party.kind == "person"
    acting = [(f"{ref}-{number}", r) for number, r in enumerate(party.representatives, 1)]
    yield _filled(
        party_ref=ref,
        role=role,
        kind=party.kind,
        name=party.name,
        id_type=party.id_type,
        id_no=party.id_number if person else "",
        credit_code="" if person else party.id_number,
        sex=party.sex,
        birth_date=str(party.born_on or ""),
        phone=party.phone,
        region=party.region_code,
        address=party.address,
        e_address=party.electronic_address,
        flags=list(party.care),
        guardian_ref=next((other for other, r in acting if r.kind == "guardian"), ""),
    )
    for other, r in acting:
        yield _filled(
            party_ref=other,
            role="representative" if r.kind == "legal_representative" else r.kind,
            kind="person",
            name=r.name,
            id_type=r.id_type,
            id_no=r.id_number,
            phone=r.phone,
            acts_for=ref,
            proof="F6",
        )


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}

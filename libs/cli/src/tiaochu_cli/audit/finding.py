"""What a check says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that differs. `reason` is UPPER_SNAKE; `detail` names expected and actual in codes, never a person."""

    reason: str
    district: str = ""
    case_id: str = ""
    detail: str = ""

    def as_dict(self) -> dict[str, str]:
        """As `--json` prints it."""
        return {"reason": self.reason, "district": self.district, "case_id": self.case_id, "detail": self.detail}


@dataclass
class Check:
    """One question asked of all journals: how much was looked at, and what differs."""

    name: str
    zh: str
    looked_at: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing differs."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "name": self.name,
            "zh": self.zh,
            "looked_at": self.looked_at,
            "holds": self.holds,
            "findings": [f.as_dict() for f in self.findings],
        }


def collect(name: str, zh: str, looked_at: int, findings: Iterator[Finding]) -> Check:
    """A check of everything `findings` yields."""
    return Check(name, zh, looked_at, list(findings))

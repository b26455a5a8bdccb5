"""The result a finished case of an old register carries (处理结果)."""

from dataclasses import dataclass
from datetime import date

AGREED, FAILED = "agreed", "failed"
ORAL, WRITTEN = "oral", "written"


@dataclass(frozen=True)
class Result:
    """What the register says came of it. `form` is empty where nothing was agreed."""

    organ_id: str
    organ_path: str
    outcome: str
    form: str
    closed_on: date
    performed: bool
    confirmed: bool
    category: str
    moj_type: str

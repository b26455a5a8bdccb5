"""Write data/calendar/<year>.json from the package `chinesecalendar` (not a dependency: install it to run this).

    pip install chinesecalendar==1.11.0 && python libs/domainkit/tools/make_calendar.py 2024 2025 2026

Compare the result with the State Council's notice before committing it.
"""

import json
import sys
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar

DATA = Path(__file__).parents[1] / "src" / "tiaochu_domainkit" / "data" / "calendar"
NAMES = {h.value: h.chinese for h in chinese_calendar.Holiday}


def year_document(year: int) -> dict[str, object]:
    """The facts of one year; raises NotImplementedError for a year that is not published."""
    rest: dict[str, str] = {}
    make_up: list[str] = []
    day = date(year, 1, 1)
    while day.year == year:
        is_rest, name = chinese_calendar.get_holiday_detail(day)
        if day.weekday() < 5 and is_rest:
            rest[day.isoformat()] = NAMES[name]
        elif day.weekday() >= 5 and not is_rest:
            make_up.append(day.isoformat())
        day += timedelta(days=1)
    return {"year": year, "rest_days": rest, "make_up_days": make_up}


if __name__ == "__main__":
    for wanted in map(int, sys.argv[1:]):
        text = json.dumps(year_document(wanted), ensure_ascii=False, indent=1)
        (DATA / f"{wanted}.json").write_text(text + "\n", "utf-8")

"""What a campaign found, for people."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from robustness.campaign import Result, Struck


def summary(result: Result) -> str:
    """A campaign in one table, its findings under it."""
    lines = [*table(result), ""]
    lines += [f"FOUND {finding}" for finding in result.findings] or ["nothing was lost, doubled or let in"]
    return "\n".join(lines)


def table(result: Result) -> list[str]:
    """Faults by kind with the times to recover, and what became of the commands; Markdown."""
    kinds: dict[str, list[Struck]] = {}
    for struck in result.struck:
        kinds.setdefault(struck.kind, []).append(struck)
    lines = ["| fault | struck | not reached | recovered after: median | p99 |", "|---|---|---|---|---|"]
    for kind, members in sorted(kinds.items()):
        done = [s for s in members if s.outcome == "done"]
        times = [s.recovery for s in done if s.recovery is not None]
        lines.append(f"| {kind} | {len(done)} | {len(members) - len(done)} | {_seconds(times, 0.5)} | {_seconds(times, 0.99)} |")
    times = [s.recovery for s in result.struck if s.recovery is not None]
    struck_all = sum(s.outcome == "done" for s in result.struck)
    lines.append(
        f"| **all** | **{struck_all}** | {len(result.struck) - struck_all} | **{_seconds(times, 0.5)}** | **{_seconds(times, 0.99)}** |"
    )
    told = f"{result.acknowledged} commands acknowledged ({result.refused} refused, {result.unanswered} never answered) in {result.cases} cases"
    lines += ["", f"Seed {result.seed}, {result.seconds / 60:.1f} minutes: {told}; **lost {result.lost}, doubled {result.doubled}**."]
    lines += ["", "Cases by course: " + ", ".join(f"{name} {count}" for name, count in result.courses.items()) + "."]
    return [*lines, *(f"\nNote: {note}." for note in result.notes)]


BEGIN, END = "<!-- the last campaign -->", "<!-- end -->"


def write(result: Result, page: Path) -> None:
    """Put the table of this campaign in its place on the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    found = [f"- {finding}" for finding in result.findings] or ["Nothing was found."]
    page.write_text(before + "\n".join([BEGIN, "", *table(result), "", *found, "", END]) + after)


def _seconds(times: Sequence[float], share: float) -> str:
    if not times:
        return "–"
    ordered = sorted(times)
    value = median(ordered) if share == 0.5 else ordered[min(len(ordered) - 1, int(len(ordered) * share))]
    return f"{value:.1f} s"

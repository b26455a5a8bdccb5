"""What passed to the court: every packet we issued stands in its own notebook once, under the one id it was always sent with, in order."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from robustness.history import History

if TYPE_CHECKING:
    from robustness.books import Books

_ISSUED_SQL = "SELECT packet_id::text, exchange_id, kind, seq, sha256 FROM packets WHERE direction = 'out'"
_WAITING_SQL = "SELECT packet_id, doc ->> 'kind', status, doc ->> 'last_fault' FROM deliveries WHERE status <> 'receipted'"


def problems(books: "Books", _history: History) -> Iterator[str]:
    """Packets that did not arrive, arrived as another, or twice as two."""
    with closing(sqlite3.connect(f"file:{books.notebook}?mode=ro", uri=True)) as notebook:
        heard = notebook.execute("SELECT packet_id, exchange_id, kind, seq, sha256 FROM packets WHERE direction = 'in'").fetchall()
        called = {row[0] for row in notebook.execute("SELECT packet_id FROM calls WHERE direction = 'in' AND packet_id <> ''")}
    issued = {row[0]: row[1:] for row in books.rows("docking", _ISSUED_SQL)}
    known = {row[0]: row[1:] for row in heard}
    for packet_id, kind, status, fault in books.rows("docking", _WAITING_SQL):
        yield f"docking: the packet {kind} {packet_id} is {status} ({fault})"
    for packet_id in issued.keys() - known.keys():
        yield f"the court never heard of the packet {issued[packet_id][1]} {packet_id}"
    for packet_id in known.keys() - issued.keys():
        yield f"the court has a packet {known[packet_id][1]} {packet_id} that we did not issue"
    for packet_id in issued.keys() & known.keys():
        if issued[packet_id] != known[packet_id]:
            yield f"the packet {packet_id} is another for the court: {known[packet_id]} and not {issued[packet_id]}"
    for packet_id in called - issued.keys():
        yield f"we called the court with a packet {packet_id} that was never issued"
    places = [(exchange, seq) for exchange, _, seq, _ in known.values()]
    if len(places) != len(set(places)):
        yield "two packets of one matter came to the court under the same number"
    yield from _one_each(books)


def _one_each(books: "Books") -> Iterator[str]:
    """One answer to a matter: it is returned or signed once, and has one result."""
    sql = """SELECT exchange_id, kind, count(*) FROM packets WHERE direction = 'out' AND kind IN ('sign', 'return', 'result', 'offer')
             GROUP BY 1, 2 HAVING count(*) > 1"""
    for exchange, kind, count in books.rows("docking", sql):
        yield f"docking issued {count} packets {kind} in {exchange}"

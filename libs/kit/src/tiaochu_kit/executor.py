"""Runs commands: begin → key → load → decide → save with version check → journal → key → commit, in two round trips."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from google.protobuf.message import Message
from psycopg.errors import InsufficientPrivilege, UniqueViolation
from psycopg_pool import PoolTimeout

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.errors import DomainError, Kind, denied, not_found
from tiaochu_kit import access
from tiaochu_kit.database import Database, away, lost_race
from tiaochu_kit.documents import Read
from tiaochu_kit.failpoints import reach
from tiaochu_kit.journal import Journal, taken
from tiaochu_kit.principal import Context
from tiaochu_kit.usecase import CommandSpec, spec_of
from tiaochu_kit.work import Work

ATTEMPTS = 3

_KEY_SQL = "SELECT request_hash, response FROM request_keys WHERE caller = %s AND method = %s AND key = %s"
_KEEP_SQL = "INSERT INTO request_keys (caller, method, key, request_hash, response, created_at) VALUES (%s, %s, %s, %s, %s, %s)"


@dataclass(frozen=True)
class _Run:
    """One command on its way: what does not change between attempts."""

    method: Any
    spec: CommandSpec
    request: Any
    ctx: Context
    responses: type[Message]
    prepared: tuple[Any, ...]
    guard_case: bool


class Executor:
    """Executes the commands of one service. `committed` is told after each commit, so that a relay near by need not wait."""

    def __init__(self, database: Database, journal: Journal, committed: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._journal = journal
        self._committed = committed

    async def run(self, method: Any, request: Any, ctx: Context, responses: type[Message], *, guard_case: bool = False) -> Message:
        """Run the command `method` for `request` and answer its response, or the stored one if the key was used before.

        `guard_case` applies the access predicate to the first document read. Raises `DomainError`.
        """
        spec = spec_of(method, CommandSpec)
        prepared = (await spec.before(method.__self__, ctx, request),) if spec.before else ()
        run = _Run(method, spec, request, ctx, responses, prepared, guard_case)
        attempt = 1
        while True:
            try:
                response = await self._once(run)
                return spec.answer(method.__self__, response) if spec.answer else response
            except psycopg.Error as error:
                _refuse_or_retry(error, attempt)
                attempt += 1

    async def _once(self, run: _Run) -> Message:
        ctx = run.ctx
        digest = request_hash(run.request)
        reads = list(run.spec.reads(run.request)) if run.spec.reads else []
        first = next((r for r in reads if isinstance(r, Read)), None)
        work = Work(ctx.now, ctx.principal, ctx.request_id, ctx.traceparent)
        async with self._database.transaction(ctx.principal.scope) as tx:
            marks = await access.queue(tx, first.key) if run.guard_case and first else None
            asked = await self._journal.ask(tx, reads)
            # After the documents: who sees what the same command did a moment ago, sees its answer too.
            key = await tx.queue(_KEY_SQL, (ctx.principal.id, ctx.method, ctx.request_id))
            await self._journal.load(tx, work, asked)
            stored = await key.fetchone()
            if stored is not None:
                return replay(stored, digest, run.responses)
            if first is not None:
                if marks is not None:
                    await _require_visible(work, first, ctx, marks)
                _check_etag(work, first, run.request)
            response: Message = run.method(work, run.request, *run.prepared)
            await self._journal.save(tx, work)
            await tx.queue(_KEEP_SQL, (ctx.principal.id, ctx.method, ctx.request_id, digest, response.SerializeToString(), ctx.now))
            reach("command.decided")
        reach("command.committed")
        self._committed()
        return response


async def _require_visible(work: Work, first: Read, ctx: Context, rows: Any) -> None:
    document = work.find(first.table, first.key)
    marks = [(kind, value) for kind, value in await rows.fetchall()]
    if document is None or not access.allows(ctx.principal, getattr(document, "organ_path", ""), marks):
        raise not_found("case", first.key)  # not the table: another service, or a step before, says "case" of one it does not know


def request_hash(request: Message) -> bytes:
    """Fingerprint of what is asked, whatever the key."""
    copy = type(request)()
    copy.CopyFrom(request)
    copy.ClearField("request_id")
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).digest()


def replay(stored: tuple[bytes, bytes], digest: bytes, response_class: type[Message]) -> Message:
    """The stored answer of a used key. Raises `REQUEST_ID_REUSED` when the request was another one."""
    if bytes(stored[0]) != digest:
        raise DomainError(
            Kind.INVALID_INPUT, "REQUEST_ID_REUSED", "this request_id was used for another request", "该请求编号已用于另一次提交,请重新提交"
        )
    return response_class.FromString(bytes(stored[1]))


def _check_etag(work: Work, first: Read, request: Any) -> None:
    wanted = getattr(request, "etag", "")
    if not wanted:
        return
    document: Aggregate | None = work.find(first.table, first.key)
    if document is not None and str(document.version) != wanted:
        raise DomainError(
            Kind.CONFLICT,
            "VERSION_CHANGED",
            "somebody saved a newer version",
            "内容已被他人修改,请刷新后再提交",
            {"etag": str(document.version)},
        )


def _refuse_or_retry(error: psycopg.Error, attempt: int) -> None:
    """Return where the same may be tried again; the key sees to it that a commit whose answer was lost is not done twice."""
    if isinstance(error, InsufficientPrivilege):
        raise denied("OUTSIDE_DISTRICT", "a row of another district", "您无权办理其他地区的事项") from error
    if away(error) and not lost_race(error):
        if attempt > 1 or isinstance(error, PoolTimeout):  # who waited for a connection in vain has waited long enough
            raise error
    elif isinstance(error, UniqueViolation) or lost_race(error):
        if attempt == ATTEMPTS:
            raise (taken(error) if isinstance(error, UniqueViolation) else _conflict()) from error
    else:
        raise error


def _conflict() -> DomainError:
    return DomainError(Kind.CONFLICT, "BUSY", "several people changed this at once", "多人同时修改,请稍后再试")

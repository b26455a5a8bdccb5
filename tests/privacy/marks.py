"""Marked personal data: what is planted, and clients that plant it into every field that takes words."""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from tiaochu_demo.driver import Actor, Refused, Wire
from tiaochu_embedded.client import RunningStack
from tiaochu_kit.ids import new_id
from tiaochu_testkit import mothers

MARK = "秘标玖柒贰"
"""Stands in every name and text that is planted, and nowhere else in the world."""
NAME = f"欧阳{MARK}"
MAILBOX = "mibiao972"
_PEOPLE = tuple(mothers.person(972_000 + n) for n in range(6))
NUMBERS = tuple(p.id_number for p in _PEOPLE)
PHONES = tuple(p.phone for p in _PEOPLE)
SECRETS = (MARK, MAILBOX, *NUMBERS, *PHONES)
"""What must be found nowhere but where it belongs."""
EVERYTHING = f"{NAME},{NUMBERS[0]},{PHONES[0]},{MAILBOX}@example.invalid"
"""A sentence that gives everything away."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "RegisterCaseRequest": ("place", "facts"),
    "PartyInput": ("name", "identity_note", "occupation", "address"),
    "RepresentativeInput": ("name", "relation"),
    "ClaimInput": ("text",),
    "WithdrawApplicationRequest": ("note",),
    "RequestCorrectionRequest": ("note",),
    "SupplyCorrectionRequest": ("note",),
    "RecordConsentAttemptRequest": ("note",),
    "UploadHeader": ("name",),
    "OfferTransferRequest": ("proposal",),
    "ReturnTransferRequest": ("note",),
    "DesignateUnitRequest": ("note",),
    "DeclineCaseRequest": ("note",),
    "AcceptAssignmentRequest": ("note",),
    "RaiseRecusalRequest": ("reason",),
    "DecideRecusalRequest": ("reason",),
    "RecordSafetyCheckRequest": ("note",),
    "ScheduleSessionRequest": ("study_note", "place"),
    "ApproveSessionRequest": ("reason",),
    "HoldSessionRequest": ("facts", "summary"),
    "PartyText": ("text",),
    "SuspendMediationRequest": ("note",),
    "DraftAgreementRequest": ("facts", "terms"),
    "ObligationInput": ("detail", "condition", "evidence", "penalty"),
    "TerminateMediationRequest": ("note",),
    "RecordFollowUpRequest": ("note",),
}
"""Message → the fields in which people write words."""


class Planting(Wire):
    """A client in whose commands every word is marked. Keeps the commands that were done and the texts of all refusals."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(stack)
        self.done: set[str] = set()
        self.refusals: list[str] = []
        self.traceparent = ""

    async def _metadata(self, actor: Actor | None, request: Message, after: Iterable[str]) -> list[tuple[str, str]]:
        own = await super()._metadata(actor, request, after)
        return [*own, ("traceparent", self.traceparent)] if self.traceparent else own

    async def ask(
        self, actor: Actor | None, request: Message, *, service: str = "", after: Iterable[str] = (), patience: float = 60.0
    ) -> Any:
        """See `Wire`."""
        mark(request)
        try:
            answer = await super().ask(actor, request, service=service, after=after, patience=patience)
        except Refused as refused:
            self.refusals.append(text_of(refused))
            raise
        self.done.add(request.DESCRIPTOR.name)
        return answer


def text_of(refused: Refused) -> str:
    """Everything an error says, on the wire as well as decoded."""
    cause = refused.__cause__
    raw = f"{cause.details()} {cause.trailing_metadata()!r}" if isinstance(cause, grpc.aio.AioRpcError) else ""
    decoded = [text for v in refused.error.violations for text in (v.path, v.reason, v.zh)]
    metadata = cause.trailing_metadata() if isinstance(cause, grpc.aio.AioRpcError) else ()
    bodies = [value.decode(errors="replace") for _, value in metadata or () if isinstance(value, bytes)]
    return " ".join([str(refused), raw, *decoded, *bodies])


def mark(message: Message) -> None:
    """Mark every word of a message and of those in it."""
    for name in WORDS.get(message.DESCRIPTOR.name, ()):
        if MARK not in getattr(message, name):
            setattr(message, name, getattr(message, name) + MARK)
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE and not _is_map(field):
            for part in value if _repeated(field) else (value,):
                mark(part)


def babble(request: Message, *, plausible: bool) -> Message:
    """Fill a request with what gives everything away, in every text; with `plausible`, only where the form lets it through."""
    _fill(request, depth=0, plausible=plausible)
    return request


def _fill(message: Message, depth: int, *, plausible: bool) -> None:
    fields: Any = message.DESCRIPTOR.fields
    for field in fields:
        if field.name == "request_id" or _is_map(field):
            continue
        if field.type == FieldDescriptor.TYPE_STRING:
            value = _text(field, plausible=plausible)
            if _repeated(field):
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
        elif field.type == FieldDescriptor.TYPE_MESSAGE and depth < 3 and field.message_type.full_name.startswith("tiaochu."):
            part = getattr(message, field.name).add() if _repeated(field) else getattr(message, field.name)
            part.SetInParent()
            _fill(part, depth + 1, plausible=plausible)


def _text(field: Any, *, plausible: bool) -> str:
    if not plausible:
        return EVERYTHING
    rules = field.GetOptions().Extensions[validate_pb2.field]
    rule = rules.repeated.items.string if rules.HasField("repeated") else rules.string
    if choices := getattr(rule, "in"):
        return str(choices[0])
    if rule.uuid or field.name.endswith(("_id", "_ids")):
        return new_id()
    if rule.HasField("pattern"):
        return ""
    return EVERYTHING[: rule.max_len] if rule.HasField("max_len") else EVERYTHING


def _repeated(field: Any) -> bool:
    return bool(field.is_repeated)


def _is_map(field: Any) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)

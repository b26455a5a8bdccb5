"""What every contract of ours promises, read from the generated code as a server reads it."""

import importlib
import pkgutil
from collections.abc import Iterator

import protovalidate
import pytest
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import tiaochu
from buf.validate import validate_pb2
from tiaochu.options.v1 import options_pb2

SERVICES = {"intake", "routing", "mediation", "docking", "reporting"}


def files() -> Iterator[FileDescriptor]:
    for module in pkgutil.walk_packages(tiaochu.__path__, "tiaochu."):
        if module.name.endswith("_pb2"):
            yield importlib.import_module(module.name).DESCRIPTOR


def methods() -> Iterator[MethodDescriptor]:
    for file in files():
        for service in file.services_by_name.values():
            yield from service.methods


ALL_METHODS = [pytest.param(method, id=method.full_name) for method in methods()]


@pytest.mark.parametrize("method", ALL_METHODS)
def test_an_rpc_says_who_may_call_it(method: MethodDescriptor) -> None:
    access = method.GetOptions().Extensions[options_pb2.access]
    assert access.scope != options_pb2.SCOPE_UNSPECIFIED
    assert access.roles or access.scope == options_pb2.SCOPE_PUBLIC_CODE


@pytest.mark.parametrize("method", ALL_METHODS)
def test_a_mutation_can_be_repeated_by_its_request_id(method: MethodDescriptor) -> None:
    if method.GetOptions().Extensions[options_pb2.mutation]:
        assert "request_id" in method.input_type.fields_by_name


@pytest.mark.parametrize("method", ALL_METHODS)
def test_fresh_names_services(method: MethodDescriptor) -> None:
    fresh = set(method.GetOptions().Extensions[options_pb2.fresh])
    assert fresh <= SERVICES, "its own name means that the effects of the service's own events must be seen"


def test_events_are_told_not_called() -> None:
    assert [file.name for file in files() if ".events." in file.package and file.services_by_name] == []


def test_the_rules_on_fields_are_enforced() -> None:
    rules = validate_pb2.FieldRules(string=validate_pb2.StringRules(uuid=True))
    options = FieldOptions()
    options.Extensions[validate_pb2.field].CopyFrom(rules)
    note = new_message("Note", "id", options)
    with pytest.raises(protovalidate.ValidationError) as refused:
        protovalidate.validate(note(id="not-an-id"))
    assert [violation.proto.rule_id for violation in refused.value.violations] == ["string.uuid"]
    protovalidate.validate(note(id="0190163d-8694-739b-aea5-966c26f8ad91"))


def new_message(name: str, field: str, options: FieldOptions) -> type[Message]:
    """A message type with one string field under the given rules, apart from the contracts."""
    file = FileDescriptorProto(name="note.proto", package="note.v1", syntax="proto3", dependency=["buf/validate/validate.proto"])
    added = file.message_type.add(name=name).field.add(name=field, number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    added.options.CopyFrom(options)
    pool = DescriptorPool()
    for known in ("google/protobuf/descriptor.proto", "google/protobuf/duration.proto", "google/protobuf/field_mask.proto"):
        copy(pool, known)
    copy(pool, "google/protobuf/timestamp.proto")
    copy(pool, "buf/validate/validate.proto")
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{name}"))


def copy(pool: DescriptorPool, name: str) -> None:
    proto = FileDescriptorProto()
    validate_pb2.DESCRIPTOR.pool.FindFileByName(name).CopyToProto(proto)
    pool.Add(proto)

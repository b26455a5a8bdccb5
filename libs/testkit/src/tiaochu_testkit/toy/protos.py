"""The toys' messages, compiled when the tests start."""

import tempfile
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

from buf.validate import validate_pb2  # noqa: F401 - the rules must be known before the toys are
from tiaochu.options.v1 import options_pb2  # noqa: F401 - the options too

_HERE = Path(__file__).parent
_SOURCES = Path(__file__).parents[5] / "protos"
_GOOGLE = Path(protoc.__file__).parent / "_proto"


def _compile() -> None:
    with tempfile.TemporaryDirectory() as folder:
        image, rules = Path(folder) / "toy.binpb", Path(folder) / "rules.binpb"
        known = [descriptor_pb2.FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())]
        rules.write_bytes(descriptor_pb2.FileDescriptorSet(file=known).SerializeToString())
        files = [p.name for p in sorted(_HERE.glob("*.proto"))]
        paths = [f"-I{_HERE}", f"-I{_SOURCES}", f"-I{_GOOGLE}"]
        if protoc.main(["protoc", *paths, f"--descriptor_set_in={rules}", f"--descriptor_set_out={image}", *files]):
            raise RuntimeError("the toy protos do not compile")
        for file in descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes()).file:
            descriptor_pool.Default().Add(file)


_compile()


def message(name: str) -> Any:
    """The class of a toy message."""
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))


OpenThingRequest = message("tiaochu.alpha.v1.OpenThingRequest")
AddToThingRequest = message("tiaochu.alpha.v1.AddToThingRequest")
PlanThingRequest = message("tiaochu.alpha.v1.PlanThingRequest")
GetThingRequest = message("tiaochu.alpha.v1.GetThingRequest")
ListThingsRequest = message("tiaochu.alpha.v1.ListThingsRequest")
ListThingsResponse = message("tiaochu.alpha.v1.ListThingsResponse")
CountThingsRequest = message("tiaochu.alpha.v1.CountThingsRequest")
ThingResponse = message("tiaochu.alpha.v1.ThingResponse")
GetEchoRequest = message("tiaochu.beta.v1.GetEchoRequest")
EchoResponse = message("tiaochu.beta.v1.EchoResponse")
ThingOpened = message("tiaochu.alpha.events.v1.ThingOpened")
AmountAdded = message("tiaochu.alpha.events.v1.AmountAdded")

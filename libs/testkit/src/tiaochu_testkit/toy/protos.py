"""The toys' messages, compiled when the tests start."""

import tempfile
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from tiaochu.options.v1 import options_pb2  # noqa: F401 - the options must be known before the toys are

_HERE = Path(__file__).parent
_SOURCES = Path(__file__).parents[5] / "protos"


def _compile() -> None:
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "toy.binpb"
        files = [p.name for p in sorted(_HERE.glob("*.proto"))]
        if protoc.main(
            [
                "protoc",
                f"-I{_HERE}",
                f"-I{_SOURCES}",
                f"-I{Path(protoc.__file__).parent / '_proto'}",
                f"--descriptor_set_out={image}",
                *files,
            ]
        ):
            raise RuntimeError("the toy protos do not compile")
        for file in descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes()).file:
            descriptor_pool.Default().Add(file)


_compile()


def message(name: str) -> Any:
    """The class of a toy message."""
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))


OpenThingRequest = message("tiaochu.alpha.v1.OpenThingRequest")
AddToThingRequest = message("tiaochu.alpha.v1.AddToThingRequest")
GetThingRequest = message("tiaochu.alpha.v1.GetThingRequest")
ThingResponse = message("tiaochu.alpha.v1.ThingResponse")

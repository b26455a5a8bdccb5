"""What an RPC declares about who may call it."""

from google.protobuf.descriptor import MethodDescriptor

from tiaochu.options.v1 import options_pb2


def roles_of(method: MethodDescriptor) -> frozenset[str]:
    """The roles of which a caller needs one; `*` is any member of staff."""
    return frozenset(method.GetOptions().Extensions[options_pb2.access].roles)

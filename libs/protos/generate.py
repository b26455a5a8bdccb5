"""Generates `libs/protos/src` from `protos/`.

    generate.py                write what changed, delete what is stale
    generate.py --check        write nothing; fail when the checked-in code is not what `protos/` says
    generate.py --image FILE   only compile, into one descriptor set with imports and comments, for buf

The rules of protovalidate come as a descriptor from its wheel, which ships no `validate.proto`; their module `buf.validate.validate_pb2`
is generated beside ours, so that options on fields can be read.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "protos"
OUTPUT = ROOT / "libs/protos/src"
GOOGLE = Path(grpc_tools.__file__).parent / "_proto"
RULES = "buf/validate/validate.proto"
TYPED_PACKAGES = ("tiaochu", "buf")


def proto_files() -> list[str]:
    return sorted(path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.proto"))


def write_rules(target: Path) -> None:
    """Write protovalidate's own file as a descriptor set that protoc can import from."""
    rules = FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())
    target.write_bytes(FileDescriptorSet(file=[rules]).SerializeToString())


def protoc(rules: Path, *arguments: str) -> None:
    """Run the compiler; it says itself what is wrong with a source, so a failure only ends the program."""
    plugins = [f"--plugin={name}={Path(sysconfig.get_path('scripts')) / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{SOURCES}",
        f"-I{GOOGLE}",
        f"--descriptor_set_in={rules}",
        *plugins,
        *arguments,
    ]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit("protos: not generated, see above")


def generate(rules: Path, target: Path) -> None:
    """Generate everything into an empty folder: messages and stubs of every file, services where a file has some, package markers."""
    out = target.as_posix()
    files = proto_files()
    protoc(rules, f"--python_out={out}", f"--mypy_out=quiet:{out}", *files, RULES)
    with_services = [name for name in files if "\nservice " in (SOURCES / name).read_text(encoding="utf-8")]
    if with_services:
        protoc(rules, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet,only_async:{out}", *with_services)
    for folder in {folder for module in target.rglob("*.py") for folder in module.relative_to(target).parents} - {Path()}:
        (target / folder / "__init__.py").write_text('"""Generated from `protos/`; not edited."""\n', encoding="utf-8")
    for package in TYPED_PACKAGES:
        (target / package / "py.typed").touch()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def differences(wanted: dict[Path, bytes], present: dict[Path, bytes]) -> list[Path]:
    return sorted(path for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path))


def replace(wanted: dict[Path, bytes], changed: list[Path]) -> None:
    for path in changed:
        target = OUTPUT / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wanted[path])
        else:
            target.unlink()
            print(f"protos: deleted {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--image", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tiaochu-protos-") as name:
        rules = Path(name) / "rules.binpb"
        write_rules(rules)
        if options.image:
            options.image.parent.mkdir(parents=True, exist_ok=True)
            protoc(rules, "--include_imports", "--include_source_info", f"--descriptor_set_out={options.image}", *proto_files())
            return
        target = Path(name) / "src"
        target.mkdir()
        generate(rules, target)
        wanted = contents(target)
        changed = differences(wanted, contents(OUTPUT))
        if options.check and changed:
            raise SystemExit("protos: the generated code is not what protos/ says; run `make protos`:\n  " + "\n  ".join(map(str, changed)))
        if not options.check:
            replace(wanted, changed)
        print(f"protos: {len(proto_files())} files, {len(changed)} outputs changed")


if __name__ == "__main__":
    main()

"""Generates the stubs of `lowerdeck.v1` from ../../proto whenever the package is built, then leaves all to setuptools.

In a checkout the protos are the truth and the stubs are made anew, into `lowerdeck/v1` (git ignores them), for wheels
and editable installs alike. A source distribution carries the stubs and no protos; there they are used as they are.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
PROTOS = HERE.parent.parent / "proto"
STUBS = HERE / "lowerdeck" / "v1"


def generate_stubs() -> None:
    """Compiles every file of the contract, or checks that somebody did."""
    sources = sorted((PROTOS / "lowerdeck" / "v1").glob("*.proto"))
    if not sources:
        if not (STUBS / "device_pb2_grpc.py").exists():
            raise SystemExit(f"neither {PROTOS} nor generated stubs are there; build from a checkout or an sdist")
        return
    import grpc_tools
    from grpc_tools import protoc

    for stale in [*STUBS.glob("*_pb2*.py"), *STUBS.glob("*_pb2*.pyi")]:
        stale.unlink()
    arguments = [
        "protoc",
        f"--proto_path={PROTOS}",
        f"--proto_path={Path(grpc_tools.__file__).parent / '_proto'}",
        f"--python_out={HERE}",
        f"--pyi_out={HERE}",
        f"--grpc_python_out={HERE}",
        *map(str, sources),
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit("the protos do not compile; see the messages above")


def dependencies() -> list[str]:
    """Runtime requirements: stubs refuse a runtime older than the tools that made them, so those set the floor."""
    floor = importlib.metadata.version("grpcio-tools")
    protobuf = [r for r in importlib.metadata.requires("grpcio-tools") or [] if r.startswith("protobuf")]
    return [
        f"grpcio>={floor}",
        *protobuf,
        "googleapis-common-protos>=1.65.0",  # google.rpc.Status and ErrorInfo, which every error carries
        "grpcio-health-checking>=1.80.0",  # messages and stub of grpc.health.v1
    ]


class BuildWithStubs(build_py):
    """build_py, for wheels and editable installs."""

    def run(self) -> None:
        """Generates, then collects."""
        generate_stubs()
        super().run()


class SdistWithStubs(sdist):
    """sdist, whose list of files must include the stubs."""

    def run(self) -> None:
        """Generates, then packs."""
        generate_stubs()
        super().run()


setup(cmdclass={"build_py": BuildWithStubs, "sdist": SdistWithStubs}, install_requires=dependencies())

"""An image with this machine's Python and the packages of this environment, for engines that can pull none."""

from __future__ import annotations

import io
import pathlib
import subprocess
import sys
import sysconfig
import tarfile

import lowerdeck

IMAGE = "lowerdeck-tests:of-this-machine"

LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "lib2to3", "ensurepip", "pip", "setuptools", "grpc_tools", "pytest"}
"""Folders that no client needs; the packages of the interpreter itself are left out as well."""


def make() -> str:
    """Puts the image together and gives its name."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
        for path in sorted(_files()):
            tar.add(path, arcname=str(path).lstrip("/"), recursive=False)
        for name, target in _links().items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    packages = ":".join(str(folder) for folder in _package_folders())
    subprocess.run(
        ["docker", "import", f"--change=ENV PATH=/bin PYTHONPATH={packages} PYTHONDONTWRITEBYTECODE=1", "-", IMAGE],
        input=archive.getvalue(),
        check=True,
        capture_output=True,
    )
    return IMAGE


def _package_folders() -> list[pathlib.Path]:
    """Where this environment has its packages, and where ours is, which may be installed editable."""
    return [pathlib.Path(sysconfig.get_path("purelib")), pathlib.Path(lowerdeck.__file__).parents[1]]


def _links() -> dict[str, str]:
    return {"bin/python3": str(pathlib.Path(sys.executable).resolve())}


def _files() -> set[pathlib.Path]:
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    files = _below(library, LEFT_OUT | {"site-packages", "dist-packages"})
    for folder in _package_folders():
        files |= _below(folder, LEFT_OUT)
    programs = {pathlib.Path(sys.executable).resolve()} | {path for path in files if ".so" in path.suffixes}
    return files | programs | {library for program in programs for library in _libraries(program)}


def _below(folder: pathlib.Path, left_out: set[str]) -> set[pathlib.Path]:
    """The files below a folder, but for what is in folders of these names."""
    return {
        path for path in folder.rglob("*") if path.is_file() and not left_out & set(path.relative_to(folder).parts)
    }


def _libraries(program: pathlib.Path) -> set[pathlib.Path]:
    """What the loader takes for a program, the loader among it."""
    listed = subprocess.run(["ldd", str(program)], check=False, capture_output=True, text=True).stdout
    return {pathlib.Path(word) for line in listed.splitlines() for word in line.split() if word.startswith("/")}

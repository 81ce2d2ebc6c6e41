"""A disk that is really full: `busy`, nothing half done, and over as soon as there is room."""

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import serving
from databases import PostgresServer
from desk import Desk
from drawn import jpeg, photo

from faces.bundle import Bundle

MOST = 300


def enrol_until_full(desk: Desk) -> int:
    """Gives how many were enrolled."""
    for number in range(MOST):
        answer = desk.enroll(f"person-{number}", jpeg(photo(number, side=64)))
        if answer.status_code != 201:
            assert (answer.status_code, answer.json()["code"]) == (503, "busy"), answer.text
            assert answer.headers["retry-after"]
            return number
    raise AssertionError("it was never full")


def check(desk: Desk, enrolled: int) -> None:
    """Those are there who were enrolled, and reading goes on."""
    assert desk.client.get(desk.at()).json()["templates"] == enrolled
    found = desk.identify(jpeg(photo(0, side=64)), modality="vis").json()
    assert found["candidates"][0]["subject_id"] == "person-0"
    assert found["searched"] == enrolled


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux's prlimit")
def test_a_file_of_sqlite_that_cannot_grow(tmp_path: Path, bundle: Bundle) -> None:
    process = serving.start(f"sqlite:///{tmp_path}/gallery.db", bundle.folder)
    try:
        serving.wait_until_ready(process)
        with httpx.Client(base_url=process.url, timeout=60) as client:
            desk = Desk(client, "default")
            desk.enroll("person-0", jpeg(photo(0, side=64)))
            largest = max(path.stat().st_size for path in tmp_path.glob("gallery.db*"))
            soft, hard = resource.prlimit(process.handle.pid, resource.RLIMIT_FSIZE)
            limit = (largest + 2**16, hard)
            resource.prlimit(process.handle.pid, resource.RLIMIT_FSIZE, limit)
            client.delete(desk.at("subjects", "person-0"))
            enrolled = enrol_until_full(desk)
            check(desk, enrolled)

            resource.prlimit(process.handle.pid, resource.RLIMIT_FSIZE, (soft, hard))
            assert desk.enroll("late", jpeg(photo(MOST, side=64))).status_code == 201
            check(desk, enrolled + 1)
    finally:
        process.kill()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system with 24 MiB, which the server's user may write.

    (Not below pytest's folder, which every start of pytest shuts to others.)
    """
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a file system")
    with tempfile.TemporaryDirectory(prefix="null-face-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "tmpfs", folder]
        if subprocess.run(mount, check=False).returncode:
            pytest.skip("cannot mount a file system here")
        try:
            Path(folder).chmod(0o777)
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.slow
def test_a_file_system_of_postgresql_without_room(
    small_disk: Path, postgres: PostgresServer, bundle: Bundle
) -> None:
    room = small_disk / "room"
    room.mkdir()
    room.chmod(0o777)
    shutil.chown(room, "pgserver")
    postgres.execute(f"CREATE TABLESPACE small LOCATION '{room}'")
    postgres.execute("CREATE DATABASE small TABLESPACE small")
    process = serving.start(postgres.url_of("small"), bundle.folder)
    try:
        serving.wait_until_ready(process)
        with httpx.Client(base_url=process.url, timeout=60) as client:
            desk = Desk(client, "default")
            desk.enroll("person-0", jpeg(photo(0, side=64)))
            ballast = small_disk / "ballast"
            free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
            ballast.write_bytes(bytes(free - 100_000))
            client.delete(desk.at("subjects", "person-0"))
            enrolled = enrol_until_full(desk)
            check(desk, enrolled)

            ballast.unlink()
            assert desk.enroll("late", jpeg(photo(MOST, side=64))).status_code == 201
            check(desk, enrolled + 1)
    finally:
        process.kill()
        postgres.execute("DROP DATABASE small WITH (FORCE)")
        postgres.execute("DROP TABLESPACE small")

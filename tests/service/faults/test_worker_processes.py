"""One address, several worker processes, as an operator starts them; the shipped model."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from running import NULL_FACE, ROOT, SHIPPED, free_port, wait_until_ready

pytestmark = [pytest.mark.slow, pytest.mark.every_database]

PHOTOS = sorted((ROOT / "docs" / "examples" / "people").glob("*/photo.jpg"))
STARTS = {
    "serve": (*NULL_FACE, "serve", "--workers", "2", "--port"),
    "uvicorn": (
        *(sys.executable, "-m", "uvicorn", "--factory", "service.app:create_app"),
        *("--workers", "2", "--port"),
    ),
}


@pytest.fixture(params=STARTS)
def address(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[str]:
    settings = {"DATABASE_URL": database, "BUNDLE": str(SHIPPED), "SNAPSHOTS": str(tmp_path)}
    environment = {f"NULL_FACE_{name}": value for name, value in settings.items()}
    log = tmp_path / "log"
    with free_port() as port:
        url = f"http://127.0.0.1:{port}"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*STARTS[request.param], str(port)],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=output,
            stderr=output,
        )
        try:
            wait_until_ready(url, process, log)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) in (0, -signal.SIGTERM), log.read_text()


def test_whichever_worker_answers_it_knows_what_the_others_did(address: str) -> None:
    """A new connection for each request, so that each may meet another worker."""
    for photo in PHOTOS:
        name, image = photo.parent.name, photo.read_bytes()
        data = {"subject_id": name}
        enrolled = httpx.post(f"{address}/enroll", data=data, files={"image": image}, timeout=60)
        assert enrolled.status_code == 201, enrolled.text
        for _ in range(4):
            found = httpx.post(f"{address}/identify", files={"image": image}, timeout=60).json()
            assert found["candidates"][0]["subject_id"] == name
    for photo in PHOTOS:
        name, image = photo.parent.name, photo.read_bytes()
        gone = httpx.delete(f"{address}/galleries/default/subjects/{name}", timeout=60)
        assert gone.status_code == 204
        for _ in range(4):
            found = httpx.post(f"{address}/identify", files={"image": image}, timeout=60).json()
            assert name not in [one["subject_id"] for one in found["candidates"]]

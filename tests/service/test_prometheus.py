"""GET /metrics, and the ids that lead from an answer to its log line."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from databases import NewDatabase
from desk import Desk
from drawn import jpeg, photo, png
from guarded import guarded
from prometheus_client.parser import text_string_to_metric_families
from serving import Process, wait_until_ready

from faces.bundle import Bundle
from service import metrics
from service.core.access import Scope

ROOT = Path(__file__).parents[2]
Labels = frozenset[tuple[str, str]]


def samples(client: httpx.Client) -> dict[tuple[str, Labels], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: dict[tuple[str, Labels], float], name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0)


def test_each_stage_of_the_work_is_timed(desk: Desk) -> None:
    before = samples(desk.client)
    desk.enroll_person(1)
    desk.identify(png(photo(1, style="nir")))
    after = samples(desk.client)

    def counted(stage: str) -> float:
        name = "null_face_stage_seconds_count"
        return value(after, name, stage=stage) - value(before, name, stage=stage)

    image = ("wait", "decode", "locate", "align", "assess", "encode")
    assert {stage: counted(stage) for stage in image} == dict.fromkeys(image, 2)
    looked_for_duplicates = 1
    assert (counted("commit"), counted("search")) == (1, 1 + looked_for_duplicates)


def test_requests_and_rejections_are_counted_by_route_and_code(desk: Desk) -> None:
    before = samples(desk.client)
    desk.enroll("a", jpeg(photo()))
    desk.enroll("a", jpeg(photo(1)), jpeg(photo()))  # one of two images is refused
    desk.client.get("/nowhere/ada")
    after = samples(desk.client)

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("null_face_rejections_total", code="no_face") == 2
    assert more("null_face_rejections_total", code="not_found") == 1
    assert more("null_face_rejections_total", code="image_too_large") == 0
    route = {"method": "POST", "route": "/enroll"}
    assert more("null_face_requests_total", **route, status="422") == 1
    assert more("null_face_requests_total", **route, status="201") == 1
    assert "ada" not in desk.client.get("/metrics").text


def test_the_size_of_a_gallery_and_the_lag_of_its_index(desk: Desk) -> None:
    desk.enroll_person(1)
    desk.identify(png(photo(1)))
    desk.enroll_person(2)
    found = samples(desk.client)

    held = value(found, "null_face_gallery_templates", gallery=desk.gallery)
    lag = value(found, "null_face_index_lag", gallery=desk.gallery)
    assert held + lag == 2  # the upkeep may have brought it level meanwhile
    assert value(found, "null_face_images_waiting") == 0


def test_only_who_may_call_reads_them_and_of_their_galleries_only(
    new_database: NewDatabase, bundle: Bundle
) -> None:
    with guarded(new_database(), bundle.folder, access="keys") as service:
        admin = service.caller(service.token("all"))
        for name in ("mine", "theirs"):
            admin.post("/galleries", json={"gallery": name})
            Desk(admin, name).enroll_person(1)
            Desk(admin, name).identify(png(photo(1)))
        mine = service.caller(service.token("mine", Scope.READ, galleries=("mine",)))

        assert service.caller(None).get("/metrics").status_code == 401
        assert 'gallery="theirs"' in admin.get("/metrics").text
        seen = mine.get("/metrics").text
        assert 'gallery="mine"' in seen
        assert "theirs" not in seen


@pytest.mark.slow
def test_any_worker_answers_for_all(tmp_path: Path, free_port: int) -> None:
    command = [sys.executable, "-m", "service.cli", "serve", "--workers", "2"]
    command += ["--port", str(free_port), "--database", f"sqlite:///{tmp_path}/gallery.db"]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{free_port}"
    try:
        wait_until_ready(Process(url, process))
        for _ in range(20):
            httpx.get(f"{url}/version")  # a connection each: either worker may take it
        counts = []
        for _ in range(6):
            with httpx.Client(base_url=url) as client:
                route = {"method": "GET", "route": "/version", "status": "200"}
                counts.append(value(samples(client), "null_face_requests_total", **route))
        assert counts == [20] * 6
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)


def test_what_a_killed_worker_waited_for_is_forgotten(tmp_path: Path) -> None:
    waits = "from service import metrics; metrics.images_waiting.inc(7); metrics.requests.labels"
    code = f"{waits}('GET', '/x', '200').inc(); import os; os.kill(os.getpid(), 9)"
    environment = os.environ | {metrics.FOLDER: str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)
    shown = (
        "from prometheus_client.registry import Collector; from service import metrics;"
        "N = type('N', (Collector,), {'collect': lambda self: []});"
        "print(metrics.exposed(N()).decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", shown], cwd=ROOT, env=environment, check=True, capture_output=True
    )

    text = done.stdout.decode()
    assert "images_waiting 7" not in text
    assert re.search(r'requests_total\{[^}]*route="/x"[^}]*\} 1.0', text)


def test_the_id_of_a_request_is_in_the_header_and_in_the_problem(client: httpx.Client) -> None:
    named = client.get("/galleries/nothing", headers={"X-Request-ID": "desk-7"})
    unnamed = client.get("/galleries/nothing", headers={"X-Request-ID": "not\u00e9 this".encode()})

    assert named.headers["x-request-id"] == named.json()["request_id"] == "desk-7"
    assert unnamed.headers["x-request-id"] == unnamed.json()["request_id"] != "not this"

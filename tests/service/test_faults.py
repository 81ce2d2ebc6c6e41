"""When something underneath fails, the answer says so, and nothing is half done."""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from bundles import make_bundle
from desk import Desk
from drawn import jpeg, locate, photo, png
from serving import in_thread, settings_for

from faces.bundle import Bundle
from faces.errors import BundleError
from service import logs
from service.app import create_app
from service.core.ports import Parts
from service.wiring import wire


@contextmanager
def served(parts: Parts) -> Iterator[httpx.Client]:
    with in_thread(create_app(parts)) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def sqlite(folder: Path) -> str:
    return f"sqlite:///{folder}/gallery.db"


def test_an_unexpected_error_is_a_500_without_its_insides(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret inside")

    # the session's own server goes on with these parts, its importer included
    borrowed = replace(parts, encode=broken, start=lambda: None, close=lambda: None)
    with served(borrowed) as client:
        answer = Desk(client, "default").identify(png(photo(1)))

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "the secret inside" in caplog.text


def test_a_locked_database_is_busy_and_reads_go_on(tmp_path: Path, bundle: Bundle) -> None:
    database = tmp_path / "gallery.db"
    with served(
        wire(settings_for(sqlite(tmp_path), bundle.folder, patience=0.5), locate)
    ) as client:
        desk = Desk(client, "default")
        desk.enroll_person(1)
        with sqlite3.connect(database, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            assert desk.found(png(photo(1))) == ["person-1"]
            answer = desk.enroll("b", png(photo(2)))
            other.execute("ROLLBACK")
        other.close()

        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["retry-after"]) >= 1
        assert desk.enroll("b", png(photo(2))).status_code == 201


def test_a_full_disk_is_busy_and_leaves_nothing_half_done(
    tmp_path: Path, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    parts = wire(settings_for(sqlite(tmp_path), bundle.folder), locate)
    with served(parts) as client:
        desk = Desk(client, "default")
        desk.enroll_person(1)
        engine = parts.store._engine
        engine.dispose()
        with engine.connect() as connection:  # the pool gives this one connection out again
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        answers = [desk.enroll("b", png(photo(2, side=100 + n)), name="secret") for n in range(40)]
        refused = [answer for answer in answers if answer.status_code != 201]
        engine.dispose()

        assert refused
        assert {(a.status_code, a.json()["code"]) for a in refused} == {(503, "busy")}
        assert client.get("/galleries/default").json()["templates"] == 1 + 40 - len(refused)
        assert desk.found(png(photo(1)))[0] == "person-1"
        assert desk.enroll("c", png(photo(3))).status_code == 201
        assert "full" in caplog.text
        assert "[parameters" not in caplog.text  # they hold vectors and names


def test_a_database_that_is_gone_is_not_ready(tmp_path: Path, bundle: Bundle) -> None:
    parts = wire(settings_for(sqlite(tmp_path), bundle.folder), locate)
    with served(parts) as client:
        assert client.get("/readyz").status_code == 200
        parts.store._engine.dispose()
        for path in tmp_path.glob("gallery.db*"):
            path.unlink()
        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert client.get("/livez").status_code == 200


def test_more_work_than_cores_is_busy_after_a_while(
    tmp_path: Path, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()

    def slow(image: np.ndarray) -> list:
        release.wait(20)
        return locate(image)

    settings = settings_for(sqlite(tmp_path), bundle.folder, parallel=1, patience=0.2)
    with served(wire(settings, slow)) as client:
        first = threading.Thread(target=Desk(client, "default").enroll_person, args=(1,))
        first.start()
        time.sleep(0.3)
        answer = Desk(client, "default").identify(png(photo(1)))
        alive = client.get("/livez")
        release.set()
        first.join()

    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"]
    assert alive.status_code == 200


@pytest.mark.parametrize("field", ["target_fpir", "target_fmr"])
def test_a_rate_without_a_calibration_is_refused(tmp_path: Path, field: str) -> None:
    raw = make_bundle(tmp_path / "raw", calibrated=False)
    with served(wire(settings_for(sqlite(tmp_path), raw.folder), locate)) as client:
        desk = Desk(client, "default")
        desk.enroll_person(1)
        call = "/identify" if field == "target_fpir" else "/verify"
        data = {field: "0.01"} | ({} if call == "/identify" else {"subject_id": "person-1"})
        refused = client.post(call, data=data, files={"image": png(photo(1))})
        listed = desk.identify(png(photo(1))).json()
        verified = client.post(
            "/verify", data={"subject_id": "person-1"}, files={"image": png(photo(1))}
        ).json()

    assert (refused.status_code, refused.json()["code"]) == (422, "uncalibrated")
    assert listed["candidates"][0]["fpir"] is None
    assert "confidence" not in json.dumps(listed)
    assert (verified["fmr"], verified["match"], verified["threshold"]) == (None, None, None)


def test_a_modality_that_the_model_lacks_is_refused_and_not_guessed(tmp_path: Path) -> None:
    vis = make_bundle(tmp_path / "vis", modalities=("vis",))
    with served(wire(settings_for(sqlite(tmp_path), vis.folder), locate)) as client:
        desk = Desk(client, "default")
        refused = desk.identify(png(photo(1)), modality="sketch")
        guessed = desk.identify(png(photo(1, style="sketch")))

    assert (refused.status_code, refused.json()["code"]) == (422, "unsupported_modality")
    assert guessed.json()["probe"]["modality"] == "vis"


def test_a_bundle_without_a_locator_is_refused_by_name(tmp_path: Path, bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="locator"):
        wire(settings_for(sqlite(tmp_path), bundle.folder))


def test_logs_tell_the_route_and_never_the_person(desk: Desk) -> None:
    lines: list[str] = []

    class Listed(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Listed(logging.DEBUG)
    handler.setFormatter(logs.JsonFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        desk.enroll(
            "secret-id", jpeg(photo(1)), name="secret-name", metadata='{"a": "secret-data"}'
        )
        desk.client.get(desk.at("subjects", "secret-id"), headers={"X-Request-ID": "mine"})
        desk.identify(png(photo(1)))
    finally:
        root.removeHandler(handler)
        root.setLevel(before)

    ours = [json.loads(line) for line in lines if '"null_face.request"' in line]
    assert [line["route"] for line in ours] == [
        "/enroll",
        "/galleries/{gallery}/subjects/{subject_id:path}",
        "/identify",
    ]
    assert ours[1]["request_id"] == "mine"
    assert all(line["status"] in (200, 201) and line["milliseconds"] > 0 for line in ours)
    assert "secret" not in "".join(line for line in lines if "httpx" not in line)

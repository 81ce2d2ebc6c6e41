"""Whatever is done, and at whatever level it is logged: no image, vector, person or secret."""

import base64
import logging
import re
from collections.abc import Iterator

import numpy as np
import pytest
from databases import NewDatabase
from desk import Desk
from drawn import jpeg, photo, png
from guarded import guarded
from sqlalchemy import text

from faces.bundle import Bundle
from service import logs
from service.adapters import sql_subjects
from service.adapters.sql_engine import open_engine, reading

CLIENTS = ("httpx", "httpcore")
"""Loggers of the test's own client, which runs in this process too."""


class Listed(logging.Handler):
    """Keeps what would be written, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logs.JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(CLIENTS):
            self.lines.append(self.format(record))


@pytest.fixture
def listed() -> Iterator[Listed]:
    """Everything that is logged at `debug`, as the service sets it up."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    names = ("alembic", "sqlalchemy", "uvicorn", "uvicorn.error", "uvicorn.access")
    levels = {name: logging.getLogger(name).level for name in names}
    logs.configure("debug")
    handler = Listed()
    root.handlers[:] = [handler]
    yield handler
    root.handlers[:], level = before
    root.setLevel(level)
    for name, one in levels.items():
        logging.getLogger(name).setLevel(one)


def test_a_full_run_leaves_nothing_personal_in_the_log(
    listed: Listed, new_database: NewDatabase, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = new_database()
    images = [jpeg(photo(1)), png(photo(2, style="nir"))]
    with guarded(database, bundle.folder, access="keys") as service:
        token = service.token("clerk")
        desk = Desk(service.caller(token), "default")
        named = [("image", ("ada-lovelace.jpg", image, "image/jpeg")) for image in images]
        fields = {"subject_id": "id-of-ada", "name": "Ada Lovelace", "metadata": '{"born": 1815}'}
        made = desk.client.post(
            "/enroll", data=fields, files=named, headers={"Idempotency-Key": "once-for-ada"}
        )
        assert made.status_code == 201
        vectors = _vectors(database)
        desk.identify(images[0], purpose="case of Ada")
        desk.client.post("/verify", data={"subject_id": "id-of-ada"}, files={"image": images[1]})
        desk.client.get(desk.at("subjects", "id-of-ada"))
        desk.client.patch(desk.at("subjects", "id-of-ada"), json={"name": "Ada King"})
        desk.identify(b"no image at all, Ada")
        desk.identify(png(photo(1, 2)), face_policy="require_single")
        desk.client.get("/galleries", params={"api_key": token})
        desk.client.get("/galleries", headers={"Authorization": f"Bearer {token}x"})
        with monkeypatch.context() as patched:
            patched.setattr(sql_subjects, "page", _broken)
            assert desk.client.get(desk.at("subjects")).status_code == 500
        desk.client.delete(desk.at("subjects", "id-of-ada"))

    everything = "\n".join(listed.lines).replace("\\\\", "\\")
    assert everything.count('"null_face.request"') >= 11
    for word in ("Ada", "Lovelace", "born", "case of", "id-of-ada", "lovelace.jpg", "once-for"):
        assert word not in everything, word
    assert token[16:] not in everything
    for image in images:
        assert base64.b64encode(image)[:40].decode() not in everything
        assert repr(image[:12])[2:-1] not in everything
    for vector in vectors:
        assert base64.b64encode(vector.tobytes())[:24].decode() not in everything
        assert repr(vector.tobytes()[:8])[2:-1] not in everything
        digits = {f"{abs(value):.6f}"[2:8] for value in vector if abs(value) > 0.01}
        assert not digits & set(re.findall(r"0\.(\d{6})", everything))
    assert not re.findall(r"[A-Za-z0-9+/=_-]{120,}", everything), "nothing long and opaque"


def _broken(*_: object) -> None:
    raise RuntimeError("something broke")


def _vectors(database: str) -> list[np.ndarray]:
    with reading(open_engine(database)) as connection:
        rows = connection.execute(text("SELECT vector FROM template")).scalars()
        return [np.frombuffer(row, "<f4") for row in rows]

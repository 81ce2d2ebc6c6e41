"""What a gallery keeps for a time is erased after it: really, once, and not a moment before."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from workers import MODEL, Worker, vector_of

from service.adapters import sql_audit
from service.adapters.sql_engine import reading, writing
from service.core import galleries
from service.core.audit import Entry
from service.core.errors import UnknownSubject
from service.core.gallery_settings import SettingsChange
from service.core.upkeep import Upkeep

pytestmark = pytest.mark.every_database

NOW = datetime.now(UTC)


@pytest.fixture
def pair(database: str, tmp_path: Path) -> Iterator[tuple[Worker, Worker]]:
    """Two workers; the gallery keeps templates for 30 days."""
    made = (Worker(database, tmp_path / "index"), Worker(database, tmp_path / "index"))
    galleries.opened(made[0].parts, "default")
    keep_for(made[0], 30)
    yield made
    for worker in made:
        worker.close()


@pytest.fixture
def worker(pair: tuple[Worker, Worker]) -> Worker:
    return pair[0]


def keep_for(worker: Worker, days: int | None) -> None:
    galleries.change(worker.store, "default", SettingsChange(retention_days=days))


def enroll(worker: Worker, subject_id: str, image: str, days_ago: float) -> str:
    """Enrols an image as if it had been done some days ago; gives the template's id."""
    new = not any(one.subject_id == subject_id for one in listed(worker))
    template = worker.enroll(subject_id, image).templates[0].template_id
    at = NOW - timedelta(days=days_ago)
    with writing(worker.engine) as connection:
        made = {"at": at.isoformat(" ").replace("+00:00", ""), "id": template, "who": subject_id}
        if connection.dialect.name == "postgresql":
            made["at"] = at.isoformat()
        connection.execute(
            text("UPDATE template SET created_at = :at WHERE template_id = :id"), made
        )
        if new:
            connection.execute(
                text("UPDATE subject SET created_at = :at WHERE subject_id = :who"), made
            )
    return template


def listed(worker: Worker) -> list[galleries.Subject]:
    return list(galleries.list_subjects(worker.store, "default", 0, 1000).items)


def found(worker: Worker) -> list[str]:
    return sorted(one.subject_id for one in worker.identify(1, top_k=100).candidates)


def erasures(engine: Engine) -> list[Entry]:
    with reading(engine) as connection:
        newest = sql_audit.head(connection)
    entries = sql_audit.until(engine, newest)
    return [one for one in entries if one.action in ("delete_subject", "delete_template")]


def test_who_was_enrolled_too_long_ago_is_erased_and_nobody_else(worker: Worker) -> None:
    enroll(worker, "long ago", "1 a", days_ago=30.001)
    enroll(worker, "lately", "2 b", days_ago=29.999)
    assert found(worker) == ["lately", "long ago"]

    worker.store.expire(NOW)

    assert found(worker) == ["lately"]
    with pytest.raises(UnknownSubject):
        galleries.subject(worker.store, "default", "long ago")


def test_a_subject_enrolled_again_since_only_loses_what_is_old(worker: Worker) -> None:
    old = enroll(worker, "ada", "1 a", days_ago=40)
    new = enroll(worker, "ada", "2 b", days_ago=10)

    worker.store.expire(NOW)

    _, templates = galleries.subject(worker.store, "default", "ada")
    assert [one.template_id for one in templates] == [new] != [old]
    assert worker.identify(1).searched == 1


def test_a_subject_without_templates_goes_when_it_is_as_old(worker: Worker) -> None:
    for name, days_ago in (("old", 31), ("young", 1)):
        template = enroll(worker, name, "1 a", days_ago)
        galleries.delete_template(worker.store, "default", template)

    worker.store.expire(NOW)

    assert [one.subject_id for one in listed(worker)] == ["young"]


def test_without_a_period_everything_is_kept(worker: Worker) -> None:
    keep_for(worker, None)
    enroll(worker, "ada", "1 a", days_ago=4000)

    worker.store.expire(NOW + timedelta(days=4000))

    assert found(worker) == ["ada"]


def test_a_period_counts_for_its_own_gallery_only(worker: Worker) -> None:
    galleries.create(worker.store, "other", MODEL)
    worker.enroll("ada", "1 a", gallery="other")

    worker.store.expire(NOW + timedelta(days=4000))

    assert worker.identify(1, gallery="other").searched == 1


def test_workers_that_do_it_at_once_erase_and_record_each_once(
    pair: tuple[Worker, Worker],
) -> None:
    for number in range(6):
        enroll(pair[0], f"person-{number}", f"{number} a", days_ago=31)
    enroll(pair[0], "ada", "7 a", days_ago=31)
    enroll(pair[0], "ada", "8 a", days_ago=3)
    threads = [threading.Thread(target=one.store.expire, args=[NOW]) for one in pair * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found(pair[0]) == found(pair[1]) == ["ada"]
    told = erasures(pair[0].engine)
    assert [one.action for one in told] == ["delete_subject"] * 6 + ["delete_template"]
    assert len({one.subject for one in told}) == 7
    assert {(one.actor, one.detail["retention_days"]) for one in told} == {("service", 30)}


def test_it_leaves_no_vector_in_any_file(worker: Worker, tmp_path: Path, backend: str) -> None:
    enroll(worker, "long ago", "3 a", days_ago=31)
    enroll(worker, "lately", "4 b", days_ago=1)
    worker.identify(1)
    worker.index.save(worker.store)
    gone, kept = vector_of(3).tobytes(), vector_of(4).tobytes()
    assert gone in everything(worker, tmp_path)

    worker.store.expire(NOW)
    worker.index.refresh(worker.store)
    worker.index.save(worker.store)

    assert kept in everything(worker, tmp_path)
    assert gone not in everything(worker, tmp_path)


def everything(worker: Worker, folder: Path) -> bytes:
    """What lies on disk (PostgreSQL's own files are its own business) and in the index."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    if worker.engine.dialect.name == "sqlite":
        files += Path(str(worker.engine.url.database)).parent.glob("gallery.db*")
    held = [shelf.level.view.vectors.tobytes() for shelf in worker.index._shelves.values()]
    return b"".join([path.read_bytes() for path in files] + held)


def test_the_upkeep_does_it_by_its_clock(worker: Worker) -> None:
    enroll(worker, "ada", "1 a", days_ago=1)
    clock = [NOW]
    upkeep = Upkeep(worker.store, worker.index, MODEL, clock=lambda: clock[0])

    upkeep.round()
    assert found(worker) == ["ada"]

    clock[0] = NOW + timedelta(days=30)
    later = Upkeep(worker.store, worker.index, MODEL, clock=lambda: clock[0])
    later.round()
    assert found(worker) == []

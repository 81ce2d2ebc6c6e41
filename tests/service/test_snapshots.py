"""Index snapshots: a head start that is believed only when everything about it is right."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from workers import MODEL, Worker, vector_of

from service.adapters.snapshots import Snapshots
from service.adapters.sql_engine import writing
from service.adapters.vault import Vault
from service.core import galleries
from service.core.errors import Unavailable
from service.core.ports import Log
from service.core.upkeep import Upkeep

pytestmark = pytest.mark.every_database

NewWorker = Callable[[], Worker]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def new_worker(database: str, folder: Path) -> Iterator[NewWorker]:
    made: list[Worker] = []

    def new() -> Worker:
        made.append(Worker(database, folder))
        return made[-1]

    yield new
    for worker in made:
        worker.close()


@pytest.fixture
def worker(new_worker: NewWorker) -> Worker:
    """Five people are enrolled, and the snapshot of them is written."""
    made = new_worker()
    for number in range(5):
        made.enroll(f"person-{number}", f"{number} photo")
    made.identify(0)
    made.index.save(made.store)
    return made


def snapshot(folder: Path) -> Path:
    [path] = folder.glob("*.snapshot")
    return path


def pages_read(worker: Worker) -> list[int]:
    """The numbers after which the log is read, from now on."""
    read, asked = worker.store.changes, list[int]()

    def changes(gallery: int, after: int, limit: int) -> object:
        asked.append(after)
        return read(gallery, after, limit)

    worker.store.changes = changes  # type: ignore[assignment]
    return asked


def answers(worker: Worker) -> list[tuple[str, float]]:
    return [(one.subject_id, one.score) for one in worker.identify(3, top_k=9).candidates]


def test_a_start_reads_only_what_the_snapshot_lacks(
    worker: Worker, new_worker: NewWorker, folder: Path
) -> None:
    worker.enroll("later", "13 photo")
    expected = answers(worker)
    fresh = new_worker()
    asked = pages_read(fresh)

    assert answers(fresh) == expected
    assert asked == [5]
    assert oct(snapshot(folder).stat().st_mode)[-3:] == "600"


def damaged(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a bit of a vector": lambda path: damaged(path, -40),
    "a bit of the checksum": lambda path: damaged(path, -1),
    "a bit of the header": lambda path: damaged(path, 3),
    "cut off": lambda path: os.truncate(path, path.stat().st_size - 1),
    "only the header": lambda path: path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n"),
    "more than there was": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "another file": lambda path: path.write_bytes(os.urandom(5000)),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_snapshot_is_thrown_away(
    worker: Worker, new_worker: NewWorker, folder: Path, kind: str
) -> None:
    DAMAGE[kind](snapshot(folder))
    fresh = new_worker()
    asked = pages_read(fresh)

    assert answers(fresh) == answers(worker)
    assert asked[0] == 0
    assert list(folder.iterdir()) == []


def test_a_snapshot_of_another_model_is_thrown_away(worker: Worker, folder: Path) -> None:
    gallery = galleries.find(worker.store, "default").id
    other = Snapshots(folder, replace(MODEL, identity="1" * 64))

    assert Snapshots(folder, MODEL).load(worker.store, gallery) is not None
    assert other.load(worker.store, gallery) is None
    assert list(folder.iterdir()) == []


def test_a_snapshot_of_another_gallery_is_thrown_away(
    worker: Worker, new_worker: NewWorker, folder: Path
) -> None:
    other = galleries.create(worker.store, "other", MODEL).gallery
    worker.enroll("only", "7 photo", gallery="other")
    snapshot(folder).rename(folder / f"{other.id}.snapshot")
    fresh = new_worker()

    assert [one.subject_id for one in fresh.identify(7, gallery="other").candidates] == ["only"]


def test_a_snapshot_of_another_history_is_thrown_away(
    worker: Worker, new_worker: NewWorker
) -> None:
    """A database restored from a backup gives numbers of the log a second time."""
    with writing(worker.engine) as connection:
        connection.execute(text("UPDATE change SET token = token + 1"))
    fresh = new_worker()
    asked = pages_read(fresh)
    fresh.identify(0)

    assert asked[0] == 0


def test_what_was_erased_is_in_no_snapshot_when_the_answer_leaves(
    worker: Worker, folder: Path
) -> None:
    erased, kept = vector_of(3).tobytes(), vector_of(4).tobytes()
    assert erased in snapshot(folder).read_bytes()
    (folder / "1.999.new").write_bytes(
        snapshot(folder).read_bytes()
    )  # of a process that was killed

    galleries.delete_subject(worker.store, "default", "person-3")

    assert [path for path in folder.iterdir() if erased in path.read_bytes()] == []
    worker.identify(0)
    worker.index.save(worker.store)
    assert kept in snapshot(folder).read_bytes()
    assert erased not in snapshot(folder).read_bytes()


def test_what_another_host_erased_leaves_this_one_at_the_next_refresh(
    worker: Worker, database: str, tmp_path: Path, folder: Path
) -> None:
    elsewhere = Worker(database, tmp_path / "elsewhere")
    galleries.delete_subject(elsewhere.store, "default", "person-3")
    elsewhere.close()
    erased = vector_of(3).tobytes()
    assert erased in snapshot(folder).read_bytes()

    worker.index.refresh(worker.store)

    assert erased not in b"".join(path.read_bytes() for path in folder.iterdir())
    held = [shelf.level.view.vectors.tobytes() for shelf in worker.index._shelves.values()]
    assert erased not in b"".join(held)


def test_an_erasure_while_a_snapshot_is_written_wins(
    worker: Worker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = worker.store.token

    def erased_meanwhile(gallery: int, seq: int) -> int | None:
        found = token(gallery, seq)
        galleries.delete_subject(worker.store, "default", "person-3")
        return found

    worker.enroll("later", "9 photo")
    worker.identify(0)
    monkeypatch.setattr(worker.store, "token", erased_meanwhile)
    worker.index.save(worker.store)

    assert list(folder.iterdir()) == []


def test_a_deleted_gallery_leaves_memory_and_disk(
    worker: Worker, database: str, folder: Path
) -> None:
    other = Worker(database)
    galleries.delete(other.parts, "default")
    other.close()

    worker.index.refresh(worker.store)

    assert worker.index._shelves == {}
    assert list(folder.iterdir()) == []


def test_snapshots_that_cannot_be_written_cost_nothing_else(
    worker: Worker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    before = snapshot(folder).read_bytes()
    worker.enroll("later", "9 photo")
    worker.identify(0)
    monkeypatch.setattr(Path, "replace", full)
    worker.index.save(worker.store)

    assert snapshot(folder).read_bytes() == before
    assert len(list(folder.iterdir())) == 1


def test_snapshots_are_encrypted_with_the_newest_key_only(worker: Worker, folder: Path) -> None:
    gallery = galleries.find(worker.store, "default").id
    level = worker.index._shelves[gallery].level
    old, new = bytes(32), bytes(range(32))
    vault = Vault({"old": old})
    assert Snapshots(folder, MODEL, vault).load(worker.store, gallery) is None  # it is plain
    Snapshots(folder, MODEL, vault, least=1).save(worker.store, gallery, level)

    assert vector_of(3).tobytes() not in snapshot(folder).read_bytes()
    again = Snapshots(folder, MODEL, vault).load(worker.store, gallery)
    assert again is not None
    assert again.view.vectors.tobytes() == level.view.vectors[: level.view.used].tobytes()
    rotated = Vault({"new": new, "old": old})
    assert Snapshots(folder, MODEL, rotated).load(worker.store, gallery) is None
    assert list(folder.iterdir()) == []


def test_files_are_few_and_not_written_all_the_time(worker: Worker, tmp_path: Path) -> None:
    gallery = galleries.find(worker.store, "default").id
    level = worker.index._shelves[gallery].level
    rare = Snapshots(tmp_path / "rare", MODEL, least=1)
    small = Snapshots(tmp_path / "small", MODEL)

    rare.save_if_due(worker.store, gallery, level)
    first = snapshot(tmp_path / "rare").stat().st_mtime_ns
    worker.enroll("later", "9 photo")
    worker.identify(0)
    rare.save_if_due(worker.store, gallery, worker.index._shelves[gallery].level)
    small.save(worker.store, gallery, level)

    assert snapshot(tmp_path / "rare").stat().st_mtime_ns == first
    assert not (tmp_path / "small").exists()


def test_the_upkeep_loads_before_it_is_ready_and_leaves_a_head_start(
    worker: Worker, new_worker: NewWorker, folder: Path
) -> None:
    snapshot(folder).unlink()
    fresh = new_worker()
    upkeep = Upkeep(fresh.store, fresh.index, MODEL, period=60)
    with pytest.raises(Exception, match="being loaded"):
        upkeep.check()
    upkeep.start()
    upkeep.close()

    upkeep.check()
    assert len(fresh.index._shelves) == 1
    assert snapshot(folder).stat().st_size > 5 * MODEL.dimension * 4


def test_the_upkeep_outlives_a_database_that_is_away(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[Log] = []

    def away(log: Log) -> None:
        failures.append(log)
        raise Unavailable("away") if len(failures) % 2 else RuntimeError("unforeseen")

    monkeypatch.setattr(worker.index, "refresh", away)
    upkeep = Upkeep(worker.store, worker.index, MODEL, period=0.01)
    upkeep.start()
    while len(failures) < 4:
        pass
    upkeep.close()

    assert "waits for the database" in caplog.text
    assert "unforeseen" in caplog.text

"""A gallery goes over to another model: nobody is lost, nothing comes back, nothing is mixed."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
from bundles import make_bundle
from databases import new_sqlite
from drawn import locate, photo, png
from moving import Move, command, moving
from serving import in_thread
from sqlalchemy import Column, Engine, delete, func, select
from typer.testing import CliRunner

from faces.bundle import Bundle
from faces.locate import FacePolicy
from faces.modality import Modality
from service.adapters import sql_backup, sql_log, sql_switch, sql_vault
from service.adapters.sql_engine import open_engine, reading, writing
from service.adapters.sql_tables import (
    crop,
    gallery,
    job,
    metadata,
    reembedded,
    reembedding,
    template,
)
from service.adapters.vault import MARK, Vault, read_keys
from service.app import create_app
from service.cli import app
from service.core import galleries
from service.core.access import SERVICE, Actor
from service.core.errors import (
    ModelMismatch,
    ReembeddingRefused,
    Replaced,
    VaultError,
)
from service.core.gallery import Encoded, Template
from service.core.jobs import NewFile, NewJob
from service.core.reembedding import Reason
from service.core.verify import Reference, Threshold, verify
from service.wiring import wire

pytestmark = pytest.mark.every_database


@pytest.fixture(scope="session")
def following(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Another model than `bundle`, of the same crops."""
    return make_bundle(tmp_path_factory.mktemp("bundle") / "following", name="following", seed=1)


@pytest.fixture
def move(database: str, bundle: Bundle, following: Bundle) -> Iterator[Move]:
    made = Move(moving(database, bundle, following), following)
    yield made
    made.close()


def count(engine: Engine, table: object) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_everybody_is_found_with_the_new_model_as_if_enrolled_with_it(move: Move) -> None:
    move.enroll(0, 10, name="Ada", metadata={"floor": 2})
    move.enroll(1)
    before = move.identify(1)
    old = move.gallery()

    move.move()
    after = move.identify(1)

    assert (before.model, after.model) == ("drawn", "following")
    assert [move.found(person) for person in (0, 10, 1)] == ["person-0", "person-0", "person-1"]
    vectors = move.vectors()
    np.testing.assert_allclose(vectors["person-0"], move.fresh(0, 10), atol=1e-6)
    np.testing.assert_allclose(vectors["person-1"], move.fresh(1), atol=1e-6)
    ada, templates = galleries.subject(move.store, "default", "person-0")
    assert (ada.name, ada.metadata, len(templates)) == ("Ada", {"floor": 2}, 2)
    assert all(one.crop_kept for one in templates), "the next model needs them, too"
    now = move.gallery()
    assert now.id != old.id, "an id stands for one model, for ever"
    assert (now.created_at, now.settings) == (old.created_at, old.settings)
    assert [count(move.engine, table) for table in (reembedding, reembedded)] == [0, 0]
    move.enroll(2)
    assert move.found(2) == "person-2"


def test_what_is_enrolled_meanwhile_comes_along_and_what_is_erased_does_not(move: Move) -> None:
    for person in range(5):
        move.enroll(person)
    store = move.parts.store
    one = move.begin()
    pending = move.work.pending(one, 0, 3)
    store.delete_subject(move.gallery(), "person-0")  # read, and not yet embedded
    rows = move.encode([crop.pixels for crop in pending], Modality.VIS)
    move.work.add(one, [(crop.number, row) for crop, row in zip(pending, rows, strict=True)])
    assert move.parts.upcoming is not None
    move.parts.upcoming.index.catch_up(store, one.successor)
    store.delete_subject(move.gallery(), "person-1")  # embedded already, and in the index
    move.enroll(5)
    move.embed(one)
    move.enroll(6)
    store.delete_subject(move.gallery(), "person-3")

    assert move.found(2) == "person-2", "the old model serves all the while"
    assert move.found(1) is None
    move.switch(one)

    assert [move.found(person) for person in range(7)] == [
        *(None, None, "person-2", None, "person-4"),
        *("person-5", "person-6"),
    ]
    assert set(move.vectors()) == {f"person-{person}" for person in (2, 4, 5, 6)}
    assert move.identify(2, top_k=9).searched == 4, "the index lets go of them, too"


def test_broken_off_anywhere_it_goes_on_without_doing_anything_twice(move: Move) -> None:
    for person in range(5):
        move.enroll(person)
    with pytest.raises(KeyboardInterrupt):
        stopping_after(move, 2).embed(move.begin())

    one = move.begin()
    assert move.work.progress(one.gallery, one.target).done == 4
    move.embed(one)
    move.switch(one)

    assert sum(move.encoded) == 5
    assert len(move.vectors()) == 5


def stopping_after(move: Move, batches: int) -> Move:
    class Stopped(Move):
        def __init__(self) -> None:
            vars(self).update(vars(move))

        def _noting(self, *given: object) -> object:
            if len(self.encoded) == batches:
                raise KeyboardInterrupt
            return super()._noting(*given)

    return Stopped()


def test_two_at_once_do_no_harm(move: Move) -> None:
    for person in range(4):
        move.enroll(person)
    first, second = move.begin(), move.begin()
    taken = move.work.pending(first, 0, 3)
    move.embed(second)

    rows = move.encode([crop.pixels for crop in taken], Modality.VIS)
    move.work.add(first, [(crop.number, row) for crop, row in zip(taken, rows, strict=True)])
    move.switch(second)

    assert len(move.vectors()) == 4
    assert move.identify(0, top_k=9).searched == 4
    with pytest.raises(Replaced):
        move.switch(first)


def test_cancelled_it_leaves_the_gallery_as_it_was(move: Move) -> None:
    move.enroll(0)
    move.enroll(1)
    before, vectors = move.gallery(), move.vectors()
    one = move.begin()
    move.embed(one)

    assert move.work.cancel(move.gallery())
    assert not move.work.cancel(move.gallery())

    assert move.gallery() == before
    assert {name: rows.tobytes() for name, rows in move.vectors().items()} == {
        name: rows.tobytes() for name, rows in vectors.items()
    }
    assert [count(move.engine, table) for table in (reembedding, reembedded, gallery)] == [0, 0, 1]
    assert move.identify(0).model == "drawn"
    with pytest.raises(ReembeddingRefused, match="cancelled"):
        move.switch(one)


def test_erasing_the_gallery_erases_all_that_was_made_of_it(move: Move) -> None:
    move.enroll(0)
    move.embed(move.begin())

    galleries.delete(move.parts, "default")

    assert [count(move.engine, one) for one in (gallery, template, crop, reembedded)] == [0] * 4


def test_an_index_has_the_new_vectors_before_the_switch(move: Move) -> None:
    for person in range(3):
        move.enroll(person)
    one = move.begin()
    move.embed(one)
    upcoming = move.parts.upcoming
    assert upcoming is not None

    move.parts.start()  # its upkeep goes round
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        standing = upcoming.index.standing().get(one.successor)
        if standing and standing.templates:
            break
        time.sleep(0.01)

    assert standing
    assert standing.templates == 3
    assert [page.name for page in move.store.galleries(0, 10).items] == ["default"], "not shown"


@pytest.mark.parametrize("call", ["identify", "enroll"])
def test_a_request_during_which_the_gallery_is_switched_is_to_come_again(
    move: Move, call: str
) -> None:
    """It has opened the gallery and encoded with the old model when the switch comes."""
    move.enroll(0)
    one = move.begin()
    move.embed(one)
    encode = move.parts.encode

    def switching(data: bytes, modality: Modality | None, policy: FacePolicy) -> Encoded:
        encoded = encode(data, modality, policy)
        move.switch(one)
        return encoded

    parts, move.parts = move.parts, replace(move.parts, encode=switching)
    with pytest.raises(Replaced):
        move.identify(0) if call == "identify" else move.enroll(1)

    move.parts = parts
    assert len(move.vectors()) == 1
    assert move.found(0) == "person-0"


def test_no_call_takes_the_switched_gallery_for_an_empty_one(move: Move) -> None:
    move.enroll(0)
    old, store = move.gallery(), move.store
    move.move()

    calls: list[Callable[[], object]] = [
        lambda: store.subject(old, "person-0"),
        lambda: store.subjects(old, 0, 10),
        lambda: store.vectors(old, "person-0"),
        lambda: store.template(old, "0" * 32),
        lambda: store.templates(old, 0, 10),
        lambda: store.owners(old, []),
        lambda: store.delete_subject(old, "person-0"),
        lambda: store.change_subject(old, "person-0", {}),
        lambda: store.delete_gallery(old),
        lambda: store.change_gallery(old, {}),
        lambda: move.work.cancel(old),
    ]
    for call in calls:
        with pytest.raises(Replaced):
            call()


def test_a_service_without_the_new_bundle_refuses_the_gallery(
    move: Move, bundle: Bundle, following: Bundle
) -> None:
    move.enroll(0)
    url = move.settings.database_url
    old = wire(moving(url, bundle, None), locate)
    new = wire(moving(url, following, None), locate)
    with pytest.raises(ModelMismatch):
        galleries.opened(new, "default")

    move.move()

    with pytest.raises(ModelMismatch):
        galleries.opened(old, "default")
    reference = Reference(gallery="default", subject_id="person-0")
    image = png(photo(0, style="nir"))
    found = verify(image, Modality.NIR, FacePolicy.LARGEST, reference, Threshold(), new)
    assert (found.model, found.score > 0.99) == ("following", True)
    old.close()
    new.close()


def test_who_has_no_crop_must_be_enrolled_again(
    move: Move, bundle: Bundle, following: Bundle
) -> None:
    without = Move(
        moving(move.settings.database_url, bundle, following, keep_crops=False), following
    )
    without.enroll(0)
    without.enroll(1)
    move.enroll(11, subject_id="person-1")
    move.enroll(2)
    one = move.begin()
    move.embed(one)

    page = move.work.reenrolments(one.gallery, one.target, 0, 1)
    rest = move.work.reenrolments(one.gallery, one.target, page.after or 0, 10)
    listed = [*page.items, *rest.items]
    with pytest.raises(ReembeddingRefused, match="2 templates of default"):
        move.switch(one)
    move.switch(one, leave_out=True)

    assert [(who.subject_id, who.reason) for who in listed] == [
        ("person-0", Reason.NO_CROP),
        ("person-1", Reason.NO_CROP),
    ]
    assert {name: len(rows) for name, rows in move.vectors().items()} == {
        "person-1": 1,
        "person-2": 1,
    }
    assert galleries.subject(move.store, "default", "person-0")[1] == [], "the subject stays"
    move.enroll(0)  # the very same image is no duplicate any more
    assert move.found(0) == "person-0"
    without.close()


def test_crops_and_modalities_that_the_new_model_does_not_take_are_told(move: Move) -> None:
    move.enroll(0)
    target = move.encode.target
    other = replace(target, crop_kind="another")
    blind = replace(target, modalities=frozenset({Modality.NIR}))

    found = [move.work.reenrolments(move.gallery(), one, 0, 9).items for one in (other, blind)]

    assert [who.reason for page in found for who in page] == [
        Reason.OTHER_CROP,
        Reason.UNSUPPORTED_MODALITY,
    ]
    assert move.work.reenrolments(move.gallery(), None, 0, 9).items == ()


def test_one_model_at_a_time(move: Move) -> None:
    one = move.begin()
    other = replace(one.target, model=replace(one.target.model, identity="another"))

    with pytest.raises(ReembeddingRefused, match="cancel that first"):
        move.work.begin(move.gallery(), other)
    move.switch(one)
    assert move.identify(0).model == "following"


def test_the_switch_waits_for_imports(move: Move) -> None:
    move.enroll(0)
    one = move.begin()
    jobs = move.parts.imports.jobs
    new = NewJob("0" * 32, Modality.VIS, FacePolicy.LARGEST, "nowhere", None)
    jobs.create(move.gallery(), new, [NewFile("a.jpg", "a")])

    with pytest.raises(TimeoutError, match="1 imports"):
        move.switch(one)
    jobs.cancel(new.job_id)
    move.switch(one)

    assert move.found(0) == "person-0"
    assert count(move.engine, job) == 1, "what became of it can still be asked"
    with pytest.raises(Replaced):
        jobs.create(one.gallery, replace(new, job_id="1" * 32), [])


def test_everything_that_belongs_to_a_gallery_goes_over_to_its_successor() -> None:
    """A new table or column has to be decided upon in sql_switch."""
    tables = {
        table.name
        for table in metadata.sorted_tables
        if any(key.column.table is gallery for key in table.foreign_keys)
    }
    moved = {table.name for table in sql_switch.GOES_OVER} | {"template"}

    assert tables == moved | {"change", "reembedding", "reembedded"}
    assert set(gallery.c.keys()) >= sql_switch.OF_A_MODEL


def test_a_key_follows_another_for_crops_and_new_vectors_too(
    move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_vault, "_AT_ONCE", 2)
    for person in range(3):
        move.enroll(person)
    one = move.begin()
    move.work.add(one, [(move.work.pending(one, 0, 1)[0].number, move.fresh(0)[0])])
    old = move.settings.encryption_keys
    assert old is not None
    vault = Vault({"second": bytes(32)} | read_keys(old.get_secret_value()))

    steps = list(sql_vault.rewrite(move.engine, vault, SERVICE))

    assert steps[-1].changed == steps[-1].of == 3 + 3 + 1
    for column in (template.c.vector, reembedded.c.vector, crop.c.pixels):
        with reading(move.engine) as connection:
            assert all(map(vault.is_current, connection.execute(select(column)).scalars()))


def test_a_key_that_follows_another_at_the_very_switch_leaves_the_new_vectors(move: Move) -> None:
    """What was read before the switch must not be written back after it."""
    for person in range(2):
        move.enroll(person)
    one = move.begin()
    move.embed(one)
    old = move.settings.encryption_keys
    assert old is not None
    vault = Vault({"second": bytes(32)} | read_keys(old.get_secret_value()))
    steps = sql_vault.rewrite(move.engine, vault, SERVICE)
    next(steps)  # the new vectors, which the switch is about to move
    with ThreadPoolExecutor() as beside:
        with writing(move.engine) as connection:
            sql_switch.put_in_place(connection, one.gallery.id, one.successor)
            rewriting = beside.submit(list, steps)
            time.sleep(0.5)  # it waits by now
        rewriting.result()

    with reading(move.engine) as connection:
        rows = connection.execute(select(*sql_log.SEALED).order_by(template.c.id)).all()
        found = [sql_log.vector(row, vault) for row in rows]
    np.testing.assert_allclose(found, move.fresh(0, 1), atol=1e-5)


def test_crops_are_sealed_or_not_kept(
    move: Move, database: str, bundle: Bundle, following: Bundle
) -> None:
    move.enroll(0)
    with reading(move.engine) as connection:
        [sealed] = connection.execute(select(crop.c.pixels)).scalars()
    [pending] = move.work.pending(move.begin(), 0, 9)

    assert sealed.startswith(MARK)
    assert len(pending.pixels) == 128 * 128
    assert pending.pixels[:64] not in sealed
    with pytest.raises(VaultError, match="ENCRYPTION_KEY"):
        wire(moving(database, bundle, following, encryption_keys=None), locate)


def test_a_backup_holds_crops_and_what_was_begun(
    move: Move, following: Bundle, tmp_path: Path
) -> None:
    move.enroll(0)
    move.enroll(1)
    move.begin()
    target = new_sqlite(tmp_path)()

    sql_backup.back_up(move.engine, tmp_path / "backup.db", Actor("operator"))
    sql_backup.restore(tmp_path / "backup.db", open_engine(target), Actor("operator"))

    settings = move.settings.model_copy(update={"database_url": target})
    restored = Move(settings, following)
    restored.move()
    assert restored.found(1) == "person-1"
    restored.close()


def test_what_a_gallery_keeps_no_longer_goes_with_its_crop_and_new_vector(move: Move) -> None:
    move.enroll(0)
    one = move.begin()
    move.embed(one)
    move.store.change_gallery(move.gallery(), {"retention_days": 1})

    move.store.expire(datetime.now(UTC) + timedelta(days=2))

    assert [count(move.engine, table) for table in (template, crop, reembedded)] == [0, 0, 0]
    move.switch(one)
    assert move.gallery().settings.retention_days == 1, "settings go over, too"
    assert move.identify(0).searched == 0


def test_crops_can_be_erased_by_themselves(move: Move) -> None:
    move.enroll(0, 10)

    assert move.work.erase_crops(move.gallery()) == 2
    assert count(move.engine, crop) == 0
    assert move.found(0) == "person-0"
    assert [entry.action for entry in move.store.audit(0, 3).items][1] == "erase_crops"


def test_the_commands_tell_how_far_it_is_and_do_it(
    move: Move, following: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, environment = command(move.settings.database_url, following.folder)
    for name in ("DATABASE_URL", "NEXT_BUNDLE", "ENCRYPTION_KEYS"):
        monkeypatch.setenv(f"NULL_FACE_{name}", environment[f"NULL_FACE_{name}"])
    monkeypatch.setenv("COLUMNS", "200")
    for person in range(3):
        move.enroll(person)

    def null_face(*words: str) -> str:
        done = CliRunner().invoke(app, ["reembed", *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "ready for following" in null_face("run", "default", "--prepare")
    assert "following" in null_face("status")
    assert move.identify(0).model == "drawn"
    assert "stays as it is" in null_face("cancel", "default")
    assert null_face("reenrolments", "default") == "subject_id,template_id,reason\n"
    assert "served with the model following" in null_face("run", "default")
    assert "already" in null_face("run", "default")
    told = [entry.action for entry in move.store.audit(0, 5).items]
    actions = [action for action in told if action != "identify"]
    assert actions == [
        "switch_model",
        "begin_reembedding",
        "cancel_reembedding",
        "begin_reembedding",
    ]
    assert [move.found(person) for person in range(3)] == [f"person-{n}" for n in range(3)]


def test_the_api_tells_how_far_it_is_and_who_must_be_enrolled_again(
    move: Move, bundle: Bundle, following: Bundle
) -> None:
    move.enroll(0)
    move.enroll(1)
    with writing(move.engine) as connection:
        first = select(func.min(crop.c.template)).scalar_subquery()
        connection.execute(delete(crop).where(crop.c.template == first))
    with in_thread(create_app(move.parts)) as url, httpx.Client(base_url=url) as client:
        before = client.get("/galleries/default/reembedding").json()
        one = move.begin()
        move.embed(one)
        after = client.get("/galleries/default/reembedding").json()
        who = client.get("/galleries/default/reenrolments").json()
        kept = client.get("/galleries/default/subjects/person-1").json()["templates"][0]
        told = client.get("/version").json()

    counts = ("templates", "done", "pending", "reenrolments")
    assert [before[name] for name in counts] == [2, 0, 1, 1]
    assert [after[name] for name in counts] == [2, 1, 0, 1]
    assert (before["next_model"], after["next_model"], after["model"]) == (
        None,
        "following",
        "drawn",
    )
    assert [(one["subject_id"], one["reason"]) for one in who["reenrolments"]] == [
        ("person-0", "no_crop")
    ]
    assert kept["crop_kept"]
    assert (told["model"], told["next_model"]) == ("drawn", "following")


def test_no_crop_and_no_old_vector_stays_in_any_file(
    tmp_path: Path, bundle: Bundle, following: Bundle
) -> None:
    folder = tmp_path / "data"
    move = Move(moving(f"sqlite:///{folder}/gallery.db", bundle, following), following)
    move.enroll(0)
    move.enroll(1)
    traces = {"crop": sealed(move, crop.c.pixels), "vector": sealed(move, template.c.vector)}
    plain = [pieces(one.pixels) for one in move.work.pending(move.begin(), 0, 9)]
    assert all(found_in(folder, one) for both in traces.values() for one in both)

    move.move()
    assert [found_in(folder, old) for old in traces["vector"]] == [False, False]
    assert [found_in(folder, kept) for kept in traces["crop"]] == [True, True]
    one, other = (who.template_id for who in every_template(move))
    move.store.delete_template(move.gallery(), one)
    assert [found_in(folder, kept) for kept in traces["crop"]] == [False, True]
    move.store.delete_subject(move.gallery(), "person-1")
    assert not found_in(folder, traces["crop"][1])
    assert other not in {who.template_id for who in every_template(move)}
    assert not any(found_in(folder, face) for face in plain), "nor were they ever there unsealed"
    move.close()


def sealed(move: Move, column: Column[bytes]) -> list[list[bytes]]:
    with reading(move.engine) as connection:
        return [pieces(bytes(one)) for one in connection.execute(select(column)).scalars()]


def pieces(content: bytes) -> list[bytes]:
    """Parts that are told from all else; a file may hold the whole in several places."""
    return [content[start : start + 40] for start in range(60, len(content) - 40, 300)]


def found_in(folder: Path, traces: list[bytes]) -> bool:
    files = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return any(trace in files for trace in traces)


def every_template(move: Move) -> list[Template]:
    people = galleries.list_subjects(move.store, "default", 0, 10).items
    each = (galleries.subject(move.store, "default", one.subject_id)[1] for one in people)
    return [template for templates in each for template in templates]


def test_no_crop_is_in_any_log(move: Move, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    enrolment = move.enroll(0)
    move.move()

    assert enrolment.templates[0].crop_kept
    assert "pixels" not in repr(enrolment)
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert not re.findall(r"\\x[0-9a-f]{2}\\x|[A-Za-z0-9+/=]{120,}", said)

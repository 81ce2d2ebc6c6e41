"""kill -9 at random points of everything, with two workers on one database.

After each kill: nothing acknowledged is lost, nothing erased is returned, each worker's index
answers as a search of everything by hand, no snapshot holds what was erased, every import has been
brought to its end with each file enrolled once, and the audit is whole.

`make test-faults` runs 200 rounds on each database, or ROUNDS=n; SEED=n repeats a run's choices. In
half of the rounds the tables are migrated in between, in the other half the gallery goes to another
model and back, by a process that is killed like the workers.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from brute_force import BruteForce
from bundles import make_bundle
from desk import Desk
from ledger import Ledger
from moves import Moves
from moving import KEY
from nursery import Nursery, Worker
from operations import OPERATIONS, Operation
from sqlalchemy import text

from faces.bundle import Bundle
from service.adapters import snapshot_file, sql_audit
from service.adapters.snapshot_file import Unusable
from service.adapters.sql_engine import downgrade, open_engine, reading, upgrade
from service.adapters.vault import PLAIN, Vault, read_keys
from service.core.audit import faults

pytestmark = pytest.mark.every_database

AS_MANY = 60
"""Subjects around which the gallery is kept, so that each answer lists them all."""


class Client(threading.Thread):
    """Asks one worker for one thing after the other until it is told to stop, or cut off."""

    def __init__(self, worker: Worker, ledger: Ledger, seed: int) -> None:
        super().__init__()
        self._worker, self._ledger, self._random = worker, ledger, random.Random(seed)
        self.over = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with httpx.Client(base_url=self._worker.url, timeout=60, verify=False) as http:
                desk = Desk(http, "default")
                while not self.over.is_set():
                    self._choose()(desk, self._ledger)
        except httpx.TransportError:
            pass
        except BaseException as failure:
            self.failure = failure

    def _choose(self) -> Operation:
        crowded = len(self._ledger.held()) > AS_MANY
        weights = (1, 1, 6, 1, 1, 1, 1, 1) if crowded else (3, 2, 1, 1, 1, 1, 1, 1)
        return self._random.choices(OPERATIONS, weights)[0]


class Suite:
    """The rounds on one database: with older tables before some, or with models that change."""

    def __init__(
        self, database: str, folder: Path, bundles: tuple[Bundle, Bundle], *, moving: bool
    ) -> None:
        self.seed = int(os.environ.get("SEED", random.randrange(10**6)))
        self.random = random.Random(self.seed)
        self.database, self.folder = database, folder
        self.moves = Moves(bundles) if moving else None
        following = bundles[1].folder if moving else None
        self.nursery = Nursery(bundles[0].folder, folder, following)
        self.vault = Vault(read_keys(KEY)) if moving else PLAIN
        self.ledger = Ledger()
        self.brute_force = BruteForce(bundles if moving else bundles[:1])
        self.client = httpx.Client(timeout=60, verify=False)
        self.workers: list[Worker] = []
        self.kills: Counter[str] = Counter()
        self.imports: Counter[str] = Counter()

    def run(self, rounds: int) -> None:
        for number in range(rounds):
            if self.may_migrate() and self.random.random() < 0.7:
                self.kill_while_they_migrate()
            self.start_workers()
            self.check()
            self.kill_while_they_work()
            if number % 20 == 19:
                print(f"{number + 1} rounds", flush=True)
        self.start_workers()
        self.check()
        self.wait_until_no_upload_is_left()

    def may_migrate(self) -> bool:
        """Older tables have neither imports nor crops, and would lose them."""
        return not (self.workers or self.ledger.uploads or self.moves)

    def start_workers(self) -> None:
        started = [self.new_worker() for _ in range(2 - len(self.workers))]
        for worker in started:
            worker.wait_until_ready()
        self.workers += started

    def new_worker(self) -> Worker:
        return self.nursery.worker(self.named_database())

    def named_database(self) -> str:
        """Connections bear their process's name, so that one can wait for their end."""
        if self.database.startswith("sqlite"):
            return self.database
        return f"{self.database}&application_name=worker-{self.random.randrange(10**9)}"

    def check(self) -> None:
        self.client.base_url = httpx.URL(self.random.choice(self.workers).url)
        self.settle_imports()
        if self.moves:
            self.moves.finish(self.client)
        self.check_audit()
        held = [number for _, number in self.ledger.held()]
        erased = self.ledger.erased(latest=5)
        probes = self.random.sample(held, min(1, len(held))) + erased[:1]
        for worker in self.workers:
            self.brute_force.check(worker.url, self.ledger, probes, self.client)
        for path in (self.folder / "index").glob("*"):
            content = _content(path, self.vault)
            vectors = [vector for n in erased for vector in self.brute_force.vectors(n)]
            assert not [vector for vector in vectors if vector.tobytes() in content]

    def settle_imports(self) -> None:
        """Some were carried out by the killed, some were cut off while they were asked for."""
        desk = Desk(self.client, "default")
        for upload in self.ledger.uploads:
            self.imports["asked for again"] += not upload.job_id
            upload.settle(desk, self.ledger)
            self.imports["settled"] += 1
        self.ledger.uploads.clear()

    def check_audit(self) -> None:
        engine = open_engine(self.database)
        with reading(engine) as connection:
            head, strays = sql_audit.head(connection), sql_audit.beyond_head(connection)
        assert not [*faults(sql_audit.until(engine, head), head)]
        assert not strays
        engine.dispose()

    def wait_until_no_upload_is_left(self) -> None:
        deadline = time.monotonic() + 60
        while left := list((self.folder / "imports").glob("*")):
            assert time.monotonic() < deadline, left
            time.sleep(0.1)

    def note_imports(self) -> None:
        """How many the victims leave behind."""
        engine = open_engine(self.database)
        query = text("SELECT count(*) FROM job WHERE state = 'running' AND worker IS NOT NULL")
        with reading(engine) as connection:
            self.imports["under way at a kill"] += int(connection.execute(query).scalar_one())
        engine.dispose()

    def kill_while_they_work(self) -> None:
        clients = [Client(worker, self.ledger, self.random.random()) for worker in self.workers]
        enough = self.ledger.acknowledged + self.random.randint(1, 12)
        if self.moves:
            target = self.moves.target(self.client)
            self.moves.begun(self.nursery.mover(self.named_database(), target))
        for client in clients:
            client.start()
        while self.ledger.acknowledged < enough and any(one.is_alive() for one in clients):
            time.sleep(0.002)
        time.sleep(self.random.uniform(0, 0.05))
        victims = self.random.choice([self.workers[:1], self.workers[1:], list(self.workers)])
        self.kill(victims, "work")
        if self.moves:
            self.kill(self.moves.victim(self.random), "move")
        self.note_imports()
        for client in clients:
            client.over.set()
            client.join()
        failures = [client.failure for client in clients if client.failure]
        assert not failures, failures

    def kill_while_they_migrate(self) -> None:
        """Take the tables back a step or more, and let two workers find them so."""
        engine = open_engine(self.database)
        upgrade(engine)
        downgrade(engine, self.random.choice(["-1", "-2", "0001"]))
        engine.dispose()
        started = [self.new_worker() for _ in range(2)]
        time.sleep(self.random.uniform(0.05, 0.8))
        self.kill(started, "migration")

    def kill(self, victims: list[Worker], during: str) -> None:
        for victim in victims:
            victim.kill()
            self.kills[during] += 1
        for victim in victims:
            self.wait_until_cut_off(victim)
        self.workers = [worker for worker in self.workers if worker not in victims]

    def wait_until_cut_off(self, victim: Worker) -> None:
        """PostgreSQL may still be at the last commit of a process that is dead."""
        if "application_name" not in victim.database:
            return
        name = victim.database.rpartition("application_name=")[2]
        query = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
        engine = open_engine(self.database)
        with reading(engine) as connection:
            while connection.execute(query, {"name": name}).scalar_one():
                time.sleep(0.01)
                connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        engine.dispose()

    def close(self) -> None:
        self.client.close()
        for worker in self.workers:
            worker.kill()
        self.nursery.close()


def _content(path: Path, vault: Vault) -> bytes:
    """What is in a snapshot for whoever has the key."""
    try:
        if not vault.names:
            return path.read_bytes()
        with path.open("rb") as file:
            header = snapshot_file.read_header(file)
            return snapshot_file.read_view(file, header, vault).vectors.tobytes()
    except (FileNotFoundError, Unusable):  # another has taken its place, or it was cut off
        return b""


@pytest.fixture(scope="session")
def bundles(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    """Two models that take the same crops."""
    other = tmp_path_factory.mktemp("bundle") / "other"
    return bundle, make_bundle(other, name="other", seed=1)


@pytest.fixture(params=[False, True], ids=["tables", "models"])
def suite(
    request: pytest.FixtureRequest, database: str, bundles: tuple[Bundle, Bundle], tmp_path: Path
) -> Iterator[Suite]:
    """While tables are migrated; while models change, with crops kept and everything encrypted."""
    made = Suite(database, tmp_path, bundles, moving=request.param)
    try:
        yield made
    finally:
        made.close()


def run(suite: Suite, rounds: int) -> None:
    print(f"SEED={suite.seed}")
    started = time.monotonic()
    suite.run(rounds)
    minutes = (time.monotonic() - started) / 60
    moves = f"; moves: {dict(suite.moves.ends)}" if suite.moves else ""
    print(
        f"{rounds} rounds in {minutes:.1f} min; kills: {dict(suite.kills)}; "
        f"{suite.ledger.acknowledged} requests acknowledged, {len(suite.ledger.held())} templates; "
        f"imports: {dict(suite.imports)}{moves}"
    )


def test_nothing_is_lost_and_nothing_comes_back(suite: Suite) -> None:
    run(suite, 2)


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_comes_back_in_many_rounds(suite: Suite) -> None:
    """Half of the rounds are spent on each kind."""
    run(suite, (int(os.environ.get("ROUNDS", "200")) + 1) // 2)

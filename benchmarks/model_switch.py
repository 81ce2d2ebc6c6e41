"""How long the switch of a gallery to another model takes, and what searches see meanwhile.

    python -m benchmarks.model_switch [--templates 100000] [--database sqlite]

New vectors are random: what is measured is the database's work, not a model's. While the switch
runs, another thread reads as a search does, and another one waits to enrol.
"""

import argparse
import threading
import time
from dataclasses import replace

import numpy as np
from sqlalchemy import select

from benchmarks.index_start import KEY, MODEL, database, fill
from service.adapters.sql_engine import open_engine, reading
from service.adapters.sql_reembeddings import SqlReembeddings
from service.adapters.sql_store import SqlStore
from service.adapters.sql_tables import template
from service.adapters.vault import Vault
from service.core.errors import Busy
from service.core.gallery import Gallery
from service.core.reembedding import Reembedding, Target

VAULT = Vault({"benchmark": KEY})
BATCH = 500


def main() -> None:
    """Fill each database, embed everything anew, switch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=100_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    given = parser.parse_args()
    for backend in given.database or ["sqlite", "postgresql"]:
        with database(backend) as (url, _):
            fill(url, given.templates, VAULT)
            measure(backend, url)


def measure(backend: str, url: str) -> None:
    """One switch, and its figures in a line."""
    engine = open_engine(url)
    store, work = SqlStore(engine, VAULT), SqlReembeddings(engine, VAULT)
    gallery = store.gallery("default")
    target = Target(replace(MODEL, identity="1" * 64), "kind", frozenset())
    one = work.begin(gallery, target)
    with reading(engine) as connection:
        numbers = list(connection.execute(select(template.c.id)).scalars())
    started = time.perf_counter()
    embed(work, one, numbers)
    embedded = time.perf_counter() - started
    over, reads = threading.Event(), list[float]()
    reader = threading.Thread(target=read, args=(store, gallery, numbers[:40], over, reads))
    reader.start()
    started, used = time.perf_counter(), time.process_time()
    work.switch(one, leave_out=False)
    took, cpu = time.perf_counter() - started, time.process_time() - used
    over.set()
    reader.join()
    print(
        f"{backend:10} {len(numbers):,} templates: embedded (without a model) in {embedded:.1f} s; "
        f"switched in {took:.1f} s ({cpu:.1f} s of this process's CPU); {len(reads)} reads "
        f"meanwhile, the slowest {1000 * max(reads, default=0):.0f} ms"
    )
    engine.dispose()


def embed(work: SqlReembeddings, one: Reembedding, numbers: list[int]) -> None:
    """Random vectors for all of them."""
    random = np.random.default_rng(1)
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        vectors = random.standard_normal((len(some), MODEL.dimension)).astype(np.float32)
        work.add(one, list(zip(some, vectors, strict=True)))


def read(
    store: SqlStore, gallery: Gallery, numbers: list[int], over: threading.Event, reads: list[float]
) -> None:
    """What a search asks of the database, again and again, until the switch."""
    while not over.is_set():
        started = time.perf_counter()
        try:
            store.head(gallery.id)
            store.owners(gallery, numbers)
        except Busy:
            return
        reads.append(time.perf_counter() - started)


if __name__ == "__main__":
    main()

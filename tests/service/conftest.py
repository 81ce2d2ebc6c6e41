"""One server for most tests; each test has a gallery of its own on it.

Modules marked `every_database` run on SQLite and on PostgreSQL, all others on SQLite.
"""

import itertools
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from bundles import make_bundle
from databases import BOTH, NewDatabase, PostgresServer, new_sqlite, postgres_server
from desk import Desk
from drawn import locate
from serving import in_thread, settings_for

from faces.bundle import Bundle
from service.app import create_app
from service.core.ports import Parts
from service.wiring import wire

_numbers = itertools.count(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("every_database")
        metafunc.parametrize("backend", BOTH if both else BOTH[:1], scope="session")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def new_database(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NewDatabase:
    if backend == "sqlite":
        return new_sqlite(tmp_path_factory.mktemp("database"))
    return request.getfixturevalue("postgres").new_database


@pytest.fixture
def database(new_database: NewDatabase) -> str:
    """The URL of an empty database, nobody else's."""
    return new_database()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "drawn")


@pytest.fixture(scope="session")
def import_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server from which manifests may import."""
    return tmp_path_factory.mktemp("allowed")


@pytest.fixture(scope="session")
def upload_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where uploads lie while they are imported."""
    return tmp_path_factory.mktemp("imports")


@pytest.fixture(scope="session")
def parts(
    bundle: Bundle, new_database: NewDatabase, import_root: Path, upload_folder: Path
) -> Iterator[Parts]:
    """The real parts, but for the locator."""
    imports = {"imports": upload_folder, "import_root": import_root, "max_import_bytes": 2**26}
    settings = settings_for(new_database(), bundle.folder, parallel=2, max_images=6, **imports)
    made = wire(settings, locate)
    yield made
    made.close()


@pytest.fixture(scope="session")
def url(parts: Parts) -> Iterator[str]:
    with in_thread(create_app(parts)) as address:
        yield address


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as session:
        yield session


@pytest.fixture
def gallery(client: httpx.Client) -> str:
    """An empty gallery, nobody else's."""
    name = f"test-{next(_numbers)}"
    assert client.post("/galleries", json={"gallery": name}).status_code == 201
    return name


@pytest.fixture
def desk(client: httpx.Client, gallery: str) -> Desk:
    return Desk(client, gallery)


@pytest.fixture
def free_port() -> int:
    """A port that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

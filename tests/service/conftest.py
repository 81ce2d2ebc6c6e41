"""One server for most tests; each test has a gallery of its own on it."""

import itertools
from collections.abc import Iterator

import httpx
import pytest
from bundles import make_bundle
from desk import Desk
from drawn import locate
from serving import in_thread, settings_for

from faces.bundle import Bundle
from service.app import create_app
from service.core.ports import Parts
from service.wiring import wire

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "drawn")


@pytest.fixture(scope="session")
def parts(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """The real parts, but for the locator."""
    database = tmp_path_factory.mktemp("database") / "made" / "gallery.db"
    made = wire(settings_for(database, bundle.folder, parallel=2, max_images=6), locate)
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

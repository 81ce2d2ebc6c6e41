"""What every test may ask for."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of research data beside the checkout; none of it is ours to ship."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the research data is not beside the checkout (../shared/data)")
    return SHARED

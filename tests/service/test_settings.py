"""What an operator can set is written down, and is what the service goes by."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_in_the_guide(field: str) -> None:
    assert f"`NULL_FACE_{field.upper()}`" in (ROOT / "docs" / "settings.md").read_text()
    assert Settings.model_fields[field].description


def test_the_environment_sets_and_nothing_changes_afterwards(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NULL_FACE_PORT", "9000")
    monkeypatch.setenv("NULL_FACE_PROVIDERS", '["CPUExecutionProvider"]')

    settings = Settings()

    assert (settings.port, settings.providers) == (9000, ("CPUExecutionProvider",))
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "x"), ("PARALLEL", "0"), ("LOG_LEVEL", "loud"), ("PATIENCE", "0")]
)
def test_a_setting_that_cannot_be_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"NULL_FACE_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()

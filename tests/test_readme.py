"""The README and the docs are true: what they tell to type works, links lead somewhere."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import ROOT, served

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARKED = re.compile(r"<!-- test -->\n```(sh|python)\n(.*?)```", re.DOTALL)
SNIPPETS = MARKED.findall((ROOT / "README.md").read_text())
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("readme") / "gallery.db") as address:
        yield address


def test_there_are_snippets_to_try() -> None:
    assert [language for language, _ in SNIPPETS] == ["sh", "python"]


@pytest.mark.parametrize(("language", "snippet"), SNIPPETS, ids=[one[0] for one in SNIPPETS])
def test_what_the_readme_tells_to_type_works(
    server: str, tmp_path: Path, language: str, snippet: str
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    command = tmp_path / "null-face"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service.cli "$@"\n')
    command.chmod(0o755)
    text = snippet.replace(ADDRESS, server).replace(".venv/bin/null-face", str(command))
    run = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-c"]

    result = subprocess.run(
        [*run, text],
        cwd=ROOT,
        env={**os.environ, "NULL_FACE_SERVER": server, "XDG_CONFIG_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    if language == "sh":
        assert "6 enrolled" in result.stdout
    assert {"sh": "ada", "python": "staff-0042"}[language] in result.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing, missing


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "index.md" or f"]({page.name})" in index, page.name


def test_the_drawn_examples_are_as_the_script_draws_them(tmp_path: Path) -> None:
    """So that a change of the drawings is followed by new pictures."""
    code = (
        "import sys; sys.path.insert(0, 'docs'); from pathlib import Path; import make_examples;"
        f"make_examples.EXAMPLES = Path({str(tmp_path)!r}); make_examples.main()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    drawn = {path.relative_to(tmp_path): path.stat().st_size for path in tmp_path.rglob("*.jpg")}
    examples = ROOT / "docs" / "examples"
    there = {path.relative_to(examples): path.stat().st_size for path in examples.rglob("*.jpg")}
    assert drawn.keys() == there.keys()
    for path, size in drawn.items():
        assert size == pytest.approx(there[path], rel=0.1), path

import importlib.util
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from training.evaluation import commands
from training.evaluation.cli import app
from training.evaluation.dlib_peer import PeerNotInstalledError, dlib_system


@pytest.fixture
def evaluate(data, recipe, tmp_path, monkeypatch):
    """The command on drawn people, whose faces only the stub locator finds."""
    monkeypatch.setattr(commands, "project_recipe", lambda yunet: recipe)
    monkeypatch.chdir(tmp_path)

    def evaluate(*arguments):
        return CliRunner().invoke(app, ["--data", str(data), "--out", "out", *arguments])

    return evaluate


def test_one_command_prints_a_table_and_writes_report_and_json(evaluate, tmp_path):
    result = evaluate("--protocol", "fs2k", "--no-bundle")
    assert result.exit_code == 0, result.output
    assert "fs2k: 3 probes against 3 references" in result.output
    assert "HOG 64x64" in result.output
    assert "published" in result.output
    document = json.loads((tmp_path / "out/fs2k/results.json").read_text())
    if importlib.util.find_spec("dlib") is None:
        assert "pip install 'null-face[peer]'" in result.output
    assert {row["system"] for row in document["results"]} >= {"pixels", "HOG 64x64"}
    page = (tmp_path / "out/fs2k/report.html").read_text()
    assert "Best and worst matches of pixels" in page
    assert "Translations" not in page  # no run
    assert "Calibration" not in page  # no bundle


def test_a_further_row_needs_a_name_and_a_bundle(evaluate, tmp_path):
    for wrong in ("nameless", "=there", "name="):
        assert evaluate("--protocol", "fs2k", "--compare", wrong).exit_code == 2
    result = evaluate("--protocol", "fs2k", "--no-bundle", "--compare", f"base={tmp_path}")
    assert result.exit_code == 1
    assert "no bundle manifest" in result.output


def test_a_training_run_cannot_be_read_without_torch(evaluate):
    result = evaluate("--protocol", "fs2k", "--no-bundle", "--run", "runs/some")
    assert result.exit_code == 1
    assert "python -m training evaluate" in result.output


def test_missing_data_is_one_line_not_a_traceback(evaluate):
    result = evaluate("--protocol", "lfw", "--no-bundle")
    assert result.exit_code == 1
    assert "is missing" in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_missing_bundle_is_one_line_not_a_traceback(evaluate):
    result = evaluate("--protocol", "cufs", "--bundle", "nowhere")
    assert result.exit_code == 1
    assert "no bundle manifest" in result.output


def test_a_service_that_is_not_there_is_one_line_not_a_traceback(evaluate):
    result = evaluate("--protocol", "cufs", "--server", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "http://127.0.0.1:9" in result.output


def test_without_matplotlib_one_line_says_what_to_install():
    code = (
        "import sys; sys.modules['matplotlib'] = None;"
        "from training.evaluation.cli import app; app(['--protocol', 'cufs'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "pip install 'null-face[cpu,evaluate]'" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_an_unknown_protocol_lists_the_known_ones(evaluate):
    result = evaluate("--protocol", "casia")
    assert result.exit_code == 2
    assert "cufs" in result.output


@pytest.mark.skipif(importlib.util.find_spec("dlib") is not None, reason="dlib is installed")
def test_without_dlib_the_peer_says_how_to_get_it():
    with pytest.raises(PeerNotInstalledError, match=r"not installed: pip install .*peer"):
        dlib_system()


def test_evaluation_imports_no_torch():
    code = (
        "import sys, training.evaluation.cli, training.evaluation.commands;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

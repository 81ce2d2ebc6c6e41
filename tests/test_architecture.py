"""The rules of the layout hold, and each of them can be broken."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("faces", "service", "training")

VIOLATIONS = {
    "service and training never meet": ("service/planted.py", "import training.planted_target"),
    "faces stands alone": ("faces/planted.py", "import fastapi"),
    "serving and scoring need no torch": ("training/evaluation/planted.py", "import torch"),
    "the core decides without knowing its tools": ("service/core/planted.py", "import sqlalchemy"),
    "layers of the service": ("service/core/planted.py", "import service.api.planted_target"),
}

RESAMPLING = re.compile(r"cv2\.resize|\.resize\(|warpAffine")
MAY_RESAMPLE = (
    "faces/",
    "training/augment",
    "training/render",
    "training/landmarks",
    "training/locator",
    "training/evaluation/floors",
)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [script, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_every_import_contract_is_kept() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    for name in VIOLATIONS:
        assert re.search(f"{re.escape(name)} +KEPT", result.stdout), result.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_breaks_its_contract(contract: str, tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file, line = VIOLATIONS[contract]
    (tmp_path / file).write_text(line + "\n")
    if "planted_target" in line:
        target = tmp_path / (line.removeprefix("import ").replace(".", "/") + ".py")
        target.write_text("")

    result = lint_imports(tmp_path)

    assert result.returncode == 1, result.stdout + result.stderr
    assert re.search(f"{re.escape(contract)} +BROKEN", result.stdout), result.stdout


def test_there_is_one_way_from_an_image_to_a_crop() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(MAY_RESAMPLE)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if RESAMPLING.search(line)
    ]
    assert not found, "only faces/ may resample a face:\n" + "\n".join(found)


def test_only_the_settings_read_the_environment() -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if re.search(r"os\.environ|os\.getenv|\bgetenv\(", path.read_text())
    ]
    # prometheus_client is told the folder that workers share by the environment, and only there
    allowed = {"service/settings.py", "service/metrics.py", "service/cli/serve.py"}
    assert not set(found) - allowed, found


def test_serving_imports_no_torch() -> None:
    code = (
        "import sys, service.app, training.evaluation;"
        "sys.exit('torch came along' if 'torch' in sys.modules else 0)"
    )
    if not (ROOT / "service" / "app.py").exists():
        pytest.skip("service/app.py is not there yet")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_lock_names_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    odd = [pin for pin in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin)]
    assert not odd, odd

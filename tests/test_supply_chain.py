"""No version with a known hole: neither in the locks, nor in what pyproject.toml allows, nor in the environment that runs this.

tests/advisories.csv holds what is known, by advisory; `.ci/audit` asks the advisory service itself, where it can be reached.
"""

import csv
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-cluster.lock")
AUDIT = ROOT / ".ci" / "audit"


def floors() -> dict[str, Version]:
    """The first version of each package without a hole of the list."""
    found: dict[str, Version] = {}
    with open(ROOT / "tests" / "advisories.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert re.fullmatch(
                r"((CVE|PYSEC)-\d{4}-\d+|GHSA(-\w{4}){3})( \S+)*", row["advisories"]
            ), row
            name = canonicalize_name(row["package"])
            found[name] = max(found.get(name, Version("0")), Version(row["fixed_in"]))
    return found


def pins(lock: str) -> list[tuple[str, Version]]:
    return [
        (canonicalize_name(name), Version(version))
        for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)", lock)
    ]


def vulnerable(installed: list[tuple[str, Version]]) -> list[str]:
    """Those below their floor. Raises `ValueError` where none of the list was among them: then nothing was audited."""
    known = floors()
    looked_at = [(name, version) for name, version in installed if name in known]
    if not looked_at:
        raise ValueError("nothing audited")
    return [
        f"{name} {version} is below {known[name]}"
        for name, version in looked_at
        if version < known[name]
    ]


def test_no_locked_version_is_known_to_be_vulnerable():
    locked = pins((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert set(floors()) <= {name for name, _ in locked}, "an advisory for what is no longer locked"
    assert vulnerable(locked) == []
    beside = [
        pin
        for pin in pins((ROOT / "requirements-cluster.lock").read_text(encoding="utf-8"))
        if pin[0] in floors()
    ]
    assert not beside or vulnerable(beside) == []


def test_no_installed_version_is_known_to_be_vulnerable():
    installed = [
        (canonicalize_name(one.name), Version(one.version))
        for one in metadata.distributions()
        if one.name
    ]
    assert vulnerable(installed) == []


def test_what_we_ask_for_ourselves_allows_no_vulnerable_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in project["dependencies"]:
        asked, known = Requirement(line), floors()
        if first := known.get(canonicalize_name(asked.name)):
            lowest = [Version(one.version) for one in asked.specifier if one.operator == ">="]
            assert lowest and lowest[0] >= first, f"{line}: at least {first}"


@pytest.mark.parametrize(
    ("lock", "found"),
    [
        ("tornado==6.5.7 \\\n", ["tornado 6.5.7 is below 6.5.8"]),
        ("Jupyter_Server==2.20.0 ; x\nmistune==3.10.0", ["jupyter-server 2.20.0 is below 2.21.0"]),
    ],
)
def test_a_vulnerable_version_is_found(lock, found):
    assert vulnerable(pins(lock)) == found


@pytest.mark.parametrize("lock", ["", "colour==1.0\n", "# tornado==6.5.7"])
def test_what_audits_nothing_fails(lock):
    with pytest.raises(ValueError, match="nothing audited"):
        vulnerable(pins(lock))


# The audit that asks the service, with a stand-in for pip-audit.

CLEAN = [{"name": f"p{number}", "version": "1", "vulns": []} for number in range(10)]
HOLE = {"name": "p0", "version": "1", "vulns": [{"id": "CVE-2026-1", "fix_versions": ["2"]}]}
SKIPPED = {"name": "p0", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script")
@pytest.mark.parametrize(
    ("said", "status", "ends", "sentence"),
    [
        (json.dumps({"dependencies": CLEAN}), 0, 0, "none is known to be vulnerable"),
        (json.dumps({"dependencies": [HOLE, *CLEAN[1:]]}), 1, 1, "p0 1: CVE-2026-1, mended in 2"),
        (
            json.dumps({"dependencies": [SKIPPED, *CLEAN[1:]]}),
            0,
            1,
            "p0 was not looked up: Dependency not found",
        ),
        (json.dumps({"dependencies": []}), 0, 1, "only 0 of 10 packages were audited"),
        (json.dumps({"dependencies": CLEAN[:5]}), 0, 1, "only 5 of 10 packages were audited"),
        ("", 1, 1, "the advisories were not reached, so nothing was audited"),
        ("No known vulnerabilities found", 0, 1, "nothing was audited"),
        (json.dumps({"dependencies": CLEAN}), 3, 1, "pip-audit ended with status 3"),
    ],
)
def test_the_audit_fails_unless_everything_was_looked_up(tmp_path, said, status, ends, sentence):
    lock = tmp_path / "some.lock"
    lock.write_text(
        "".join(f"p{number}==1 \\\n    --hash=sha256:0\n" for number in range(10)), encoding="utf-8"
    )
    tool = tmp_path / "pip-audit"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {status}\n", encoding="utf-8")
    tool.chmod(0o755)
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    done = audit(lock, path)
    assert (done.returncode, sentence in done.stdout) == (ends, True), done.stdout


def test_an_audit_without_its_tool_or_with_an_empty_lock_fails(tmp_path):
    (tmp_path / "empty.lock").touch()
    done = audit(tmp_path / "empty.lock", str(tmp_path))
    assert done.returncode == 1 and "pip-audit is not installed" in done.stdout


def audit(lock: Path, path: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(AUDIT), str(lock)]
    return subprocess.run(
        command, env=os.environ | {"PATH": path}, capture_output=True, encoding="utf-8"
    )

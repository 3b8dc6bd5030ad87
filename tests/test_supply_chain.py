"""No version with a known hole: neither in the locks, nor in what pyproject.toml allows, nor in the environment that runs this.

tests/advisories.csv holds what is known, by advisory; `.ci/audit` asks the advisory service itself, where it can be reached.
"""

import csv
import re
import tomllib
from importlib import metadata
from pathlib import Path

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


# The audit that asks the service, with a stand-in for pip-audit.

CLEAN = [{"name": f"p{number}", "version": "1", "vulns": []} for number in range(10)]
HOLE = {"name": "p0", "version": "1", "vulns": [{"id": "CVE-2026-1", "fix_versions": ["2"]}]}
SKIPPED = {"name": "p0", "skip_reason": "Dependency not found on PyPI"}

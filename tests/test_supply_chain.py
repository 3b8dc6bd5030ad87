"""No version with a known hole: neither in the locks, nor in what pyproject.toml allows, nor in the environment that runs this.

tests/advisories.csv holds what is known, by advisory; `.ci/audit` asks the advisory service itself,
where it can be reached.
"""

import csv
import re
from importlib import metadata

from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.test_environment import CLUSTER_LOCK, ROOT, locked, requirements


def floors() -> dict[str, Version]:
    """The first version of each package without a hole of the list."""
    found: dict[str, Version] = {}
    advisory = r"((CVE|PYSEC)-\d{4}-\d+|GHSA(-\w{4}){3})( \S+)*"
    with open(ROOT / "tests" / "advisories.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert re.fullmatch(advisory, row["advisories"]), row
            name = canonicalize_name(row["package"])
            found[name] = max(found.get(name, Version("0")), Version(row["fixed_in"]))
    return found


def vulnerable(versions: dict[str, list[Version]]) -> list[str]:
    """Those below their floor."""
    return [
        f"{name} {version} is below {floor}"
        for name, floor in floors().items()
        for version in versions.get(name, ())
        if version < floor
    ]


def test_no_locked_version_is_known_to_be_vulnerable():
    assert set(floors()) <= set(locked()), "an advisory for what is no longer locked"
    assert vulnerable(locked()) == vulnerable(locked(CLUSTER_LOCK)) == []


def test_no_installed_version_is_known_to_be_vulnerable():
    installed = {
        canonicalize_name(one.name): [Version(one.version)]
        for one in metadata.distributions()
        if one.name
    }
    assert set(floors()) & set(installed) and vulnerable(installed) == []


def test_what_we_ask_for_ourselves_allows_no_vulnerable_version():
    lowest = {
        name: [Version(one.version) for one in asked.specifier if one.operator == ">="][:1]
        for name, asked in requirements().items()
    }
    assert vulnerable(lowest) == []
    assert all(lowest[name] for name in floors() if name in lowest), "no lowest version is named"

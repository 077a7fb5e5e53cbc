"""List what is installed for proxylib: every package of the locks, its version and its licence, as CSV.

    python tools/licences.py > licences.csv
    python tools/licences.py --sbom > sbom.json      # the same as a bill of materials (CycloneDX 1.6)

Licences are what packages say of themselves, in the field of PEP 639, in older ones, or in their classifiers.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-cuda.lock")
UNKNOWN = "not stated"
LONGEST = 400  # characters: some packages put the whole text of a licence into the field for its name


def locked() -> list[str]:
    """Names in the locks, in alphabetical order."""
    text = "".join((ROOT / name).read_text() for name in LOCKS)
    return sorted({match[1] for match in re.finditer(r"^([A-Za-z0-9_.-]+)==", text, re.M)})


def licence(fields: metadata.PackageMetadata) -> str:
    """A package's licence, in its own words."""
    for name in ("License-Expression", "License"):
        said = (fields.get(name) or "").strip()
        if said and said != "UNKNOWN" and len(said) <= LONGEST and "\n" not in said:
            return said
    classes = [line.split(" :: ")[-1] for line in fields.get_all("Classifier") or [] if line.startswith("License ::")]
    return " or ".join(dict.fromkeys(classes)) or UNKNOWN


def rows() -> list[dict[str, str]]:
    """name, version and licence of every package of the locks that is installed here."""
    listed = []
    for name in locked():
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another system
        listed.append({"name": name, "version": package.version, "licence": licence(package.metadata)})
    return listed


def sbom(listed: list[dict[str, str]]) -> dict:
    """The rows as CycloneDX has them."""
    parts = [
        {
            "type": "library",
            "name": row["name"],
            "version": row["version"],
            "purl": f"pkg:pypi/{row['name']}@{row['version']}",
            "licenses": [{"license": {"name": row["licence"]}}],
        }
        for row in listed
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": parts}


def main() -> None:
    """Print one of the two."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sbom", action="store_true")
    listed = rows()
    if parser.parse_args().sbom:
        json.dump(sbom(listed), sys.stdout, indent=1)
        print()
        return
    writer = csv.DictWriter(sys.stdout, ("name", "version", "licence"), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)


if __name__ == "__main__":
    main()

"""Checks a bill of materials against the schema of CycloneDX 1.5, and against what is in it for sure.

    python tests/deploy/sbom.py FILE
"""
import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = open(sys.argv[1], encoding="utf-8").read()
error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
if error is not None:
    sys.exit(f"the bill of materials breaks the schema: {error}")
bom = json.loads(text)
components = {part["name"]: part for part in bom["components"]}
references = [part["bom-ref"] for part in bom["components"]] + [bom["metadata"]["component"]["bom-ref"]]
assert len(references) == len(set(references)), "a reference stands for two components"
edges = {edge["ref"]: edge["dependsOn"] for edge in bom["dependencies"]}
assert set(edges) == set(references), "each component tells what it depends on"
# What the program can't be built without, what it is only built by, and what only tests use.
assert {"ledger", "poem", "rustls", "sea-orm", "tokio"} <= components.keys()
assert not {"cc", "insta", "proptest", "s3s", "tests"} & components.keys()
assert components["tokio"]["purl"].startswith("pkg:cargo/tokio@") and components["tokio"]["hashes"]
assert "purl" not in components["ledger"]
reached, left = set(), [bom["metadata"]["component"]["bom-ref"]]
while left:
    reference = left.pop()
    if reference not in reached:
        reached.add(reference)
        left.extend(edges[reference])
assert reached == set(references), f"nothing depends on {sorted(set(references) - reached)}"
without = [name for name, part in components.items() if "licenses" not in part]
assert not without, f"no licence: {without}"
print(f"the bill of materials names {len(components)} crates, and is valid")

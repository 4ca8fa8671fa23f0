"""Archives all documents whose name contains a text, after a dry run, and undoes it if asked to.

    DSR_URL=http://127.0.0.1:8080 DSR_KEY=... python3 batch.py TEXT [--undo]
"""

import sys

from dossier import Dossier


def main():
    dossier = Dossier()
    select = {"filter": {"name": sys.argv[1]}}
    told = dossier.operation("archive", select, dry_run=True)
    print(f"{told['succeeded']} of {told['total']} would be archived")
    done = dossier.operation("archive", select)
    for item in dossier.items(f"/v1/operations/{done['id']}/items"):
        print(item["document_id"], item["result"], item["code"] or "", item["name"])
    if "--undo" in sys.argv:
        undo = dossier.ended(dossier.json("POST", f"/v1/operations/{done['id']}/undo"))
        print(f"{undo['succeeded']} restored")


if __name__ == "__main__":
    main()

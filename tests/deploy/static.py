"""Runs the program in a folder where nothing else is, as in an image that begins with `FROM scratch`.

    static.py PROGRAM

PROGRAM is what deploy/static built. It serves, takes an upload, gives it back, and its audit is clean.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from dashboards import ask, free_ports, running, waits

CONTENT = b"alone in its folder\n" * 10_000


def alone(root, *words):
    """The command that runs the program with `root` as the whole file system."""
    begin = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
    return [*begin, "chroot", str(root), "/dossier", *words]


def uploads_and_reads(api, key):
    known = {"Authorization": f"Bearer {key}"}
    status, body = ask(f"{api}/v1/documents?name=alone.txt", CONTENT, **known)
    assert status == 202, (status, body)
    document = f"{api}/v1/documents/{json.loads(body)['id']}"

    def settled():
        found = json.loads(ask(f"{document}?wait=10", **known)[1])
        return found if found["status"] != "pending" else None

    found = waits("the pipeline", settled)
    assert (found["status"], found["mime_type"]) == ("active", "text/plain"), found
    status, body = ask(f"{document}/content", **known)
    assert (status, body) == (200, CONTENT), (status, len(body))


def main(program):
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(temporary) / "root"
        root.mkdir()
        shutil.copy(program, root / "dossier")
        api, ops = (f"127.0.0.1:{port}" for port in free_ports(2))
        key = os.urandom(24).hex()
        environment = {
            "PATH": os.environ["PATH"],
            "DOSSIER_DATA_DIR": "/data",
            "DOSSIER_BOOTSTRAP_KEY": key,
            "DOSSIER_LISTEN": api,
            "DOSSIER_OPS_LISTEN": ops,
            "DOSSIER_MIN_FREE_BYTES": "0",
        }
        log = pathlib.Path(temporary) / "log"
        with running(log, *alone(root, "serve"), env=environment):
            waits("readiness", lambda: ask(f"http://{ops}/health/ready")[0] == 200)
            uploads_and_reads(f"http://{api}", key)
            subprocess.run(alone(root, "audit", "--deep"), env=environment, check=True)
    size = os.stat(program).st_size / 2**20
    print(f"a static program of {size:.0f} MiB serves in a folder where nothing else is")


if __name__ == "__main__":
    main(sys.argv[1])

"""Runs every query of the dashboards and every rule on a real Prometheus that scrapes a loaded service.

    dashboards.py PROGRAM

PROGRAM is `dossier`. It serves in a temporary folder, is loaded, and scraped by a Prometheus of this
machine. Each query has to be understood and to give something; no alert may fire.
"""

import concurrent.futures
import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
PATIENCE = 90


def free_ports(number):
    with contextlib.ExitStack() as bound:
        sockets = [bound.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def ask(url, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def waits(what, condition):
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError):
            found = condition()
            if found:
                return found
        assert time.monotonic() < end, f"{what}: nothing within {PATIENCE} s"
        time.sleep(0.2)


@contextlib.contextmanager
def running(log, *command, **options):
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **options)
    try:
        yield process
    except BaseException:
        print(f"--- {log}", pathlib.Path(log).read_text()[-2000:], sep="\n", file=sys.stderr)
        raise
    finally:
        process.terminate()
        process.wait()


def load(api, key, number):
    """One round: an upload, a wait for it, reads of all kinds, and requests that are refused."""
    known = {"Authorization": f"Bearer {key}"}
    content = f"document {number} ".encode() * 500
    status, body = ask(f"{api}/v1/documents?name={number}.txt", content, **known)
    assert status == 202, (status, body)
    document = json.loads(body)["id"]
    ask(f"{api}/v1/documents/{document}?wait=5", **known)
    ask(f"{api}/v1/documents/{document}/content", **known)
    ask(f"{api}/v1/documents", **known)
    ask(f"{api}/v1/documents")
    ask(f"{api}/v1/documents/nothing", **known)


class Prometheus:
    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path, **parameters):
        status, body = ask(f"{self.base}/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body)
        assert status == 200 and answer["status"] == "success", f"{parameters}: {answer}"
        return answer["data"]

    def query(self, expression):
        return self.get("query", query=expression)["result"]


def queries():
    """The queries of all dashboards, as Grafana sends them."""
    for file in sorted((DEPLOY / "grafana").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                expression = target["expr"]
                expression = expression.replace("$__rate_interval", "20s")
                expression = expression.replace("$cluster", ".*").replace("$namespace", ".*")
                assert "$" not in expression, expression
                yield f"{file.name}: {panel['title']}", expression


def config(folder, ops):
    written = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(DEPLOY / "prometheus/rules.yml")],
        "scrape_configs": [
            {"job_name": "dossier", "static_configs": [{"targets": [f"127.0.0.1:{ops}"]}]}
        ],
    }
    # YAML includes JSON.
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(written))
    return file


def check(prometheus, log):
    """Asks everything; gives the number of queries and rules."""
    names = 0
    for name, expression in queries():
        found = prometheus.query(expression)
        assert found, f"{name}: nothing for {expression}"
        assert all(one["value"][1] != "NaN" for one in found[:1]) or "quantile" in expression, name
        names += 1
    assert names > 30, names
    rules = 0
    firing = []
    for group in prometheus.get("rules")["groups"]:
        for rule in group["rules"]:
            assert rule["health"] == "ok", rule
            rules += 1
            if rule["type"] == "recording":
                assert prometheus.query(rule["name"]), f"{rule['name']} records nothing"
            elif rule["state"] != "inactive":
                firing.append(rule["name"])
    assert not firing, firing
    return names, rules


def main(program):
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as ends:
        folder = pathlib.Path(temporary)
        listen, ops, prometheus_port = free_ports(3)
        environment = {
            "DOSSIER_DATA_DIR": str(folder / "data"),
            "DOSSIER_LISTEN": f"127.0.0.1:{listen}",
            "DOSSIER_OPS_LISTEN": f"127.0.0.1:{ops}",
            "DOSSIER_MIN_FREE_BYTES": "0",
        }
        ends.enter_context(running(folder / "log", program, "serve", env=environment))
        api = f"http://127.0.0.1:{listen}"
        waits("the service", lambda: ask(f"{api}/health/ready")[0] == 200)
        key = (folder / "data/admin.key").read_text().strip()
        scrapes = [
            f"--config.file={config(folder, ops)}",
            f"--storage.tsdb.path={folder / 'series'}",
            f"--web.listen-address=127.0.0.1:{prometheus_port}",
        ]
        ends.enter_context(running(folder / "prometheus.log", "prometheus", *scrapes))
        ready = f"http://127.0.0.1:{prometheus_port}/-/ready"
        waits("Prometheus", lambda: ask(ready)[0] == 200)
        prometheus = Prometheus(prometheus_port)
        waits("a scrape", lambda: prometheus.query("dossier_ledger_up"))
        # Rates need two scrapes, with work between them, and rules one evaluation after that.
        rounds = 0
        with concurrent.futures.ThreadPoolExecutor(4) as clients:

            def has_rates():
                nonlocal rounds
                list(clients.map(lambda number: load(api, key, number), range(rounds, rounds + 8)))
                rounds += 8
                return prometheus.query("dossier:job_attempts:rate5m > 0")

            waits("rates", has_rates)
        since = time.monotonic()
        while True:
            try:
                names, rules = check(prometheus, folder / "log")
                break
            except AssertionError:
                # What was just counted is scraped and evaluated within seconds.
                if time.monotonic() - since > 15:
                    raise
                time.sleep(0.5)
        print(f"{names} queries of dashboards answered, {rules} rules evaluated, no alert fires")


if __name__ == "__main__":
    main(sys.argv[1])

"""What operators do with the containers, done: start, upload, scale, kill, roll, drain, and read health.

Run by `run`, with an engine at hand. Each check prints a line; the first that fails ends the run.
"""

import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BUILT = PROJECT / "target/containers/built"
NAME = f"dossier-check-{os.getpid()}"
IMAGE = "dossier:check"
PATIENCE = 180
ROLES = ("ingress", "worker")


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


PORT = free_port()
ENVIRONMENT = {"DOSSIER_PORT": str(PORT), "DOSSIER_IMAGE": IMAGE, "COMPOSE_ANSI": "never"}


def run(*arguments):
    """Runs a command; gives its result. Its failure is the caller's to judge."""
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run(
        arguments, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=3600
    )


def done(*arguments):
    """Runs a command that has to succeed; gives what it prints."""
    result = run(*arguments)
    if result.returncode:
        raise AssertionError(f"{' '.join(arguments)}: {result.returncode}\n{result.stderr}")
    return result.stdout.strip()


def docker(*arguments):
    return done("docker", *arguments)


class Service:
    """The service as docker-compose.yml describes it."""

    def __init__(self, secrets):
        self.compose = ("docker", "compose", "--project-name", NAME, "--env-file", secrets)
        self.key = None

    def does(self, *arguments):
        return done(*self.compose, *arguments)

    def tries(self, *arguments):
        return run(*self.compose, *arguments)

    def up(self, workers, *more):
        self.does("up", "--detach", "--no-build", "--scale", f"worker={workers}", *more)

    def containers(self, service, *states):
        states = states or ("running",)
        listed = self.does("ps", "--all", "--quiet", service).split()
        inspected = json.loads(docker("inspect", *listed)) if listed else []
        return [one for one in inspected if one["State"]["Status"] in states]

    def is_healthy(self, workers):
        """Whether the wanted containers run, and say that they are healthy."""
        for service, number in (("ingress", 1), ("worker", workers)):
            found = self.containers(service)
            states = [one["State"].get("Health", {}).get("Status") for one in found]
            if states != ["healthy"] * number:
                return f"{service}: {states}"
        return None

    def becomes_healthy(self, workers):
        waits(lambda: self.is_healthy(workers), self.logs)

    def logs(self):
        return self.tries("logs", "--tail", "30").stdout

    def asks(self, method, path, body=None, **headers):
        """Asks the API; gives status and body. Raises OSError where nobody answers."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}{path}", data=body, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def uploads(self, name, content):
        status, body = self.asks("POST", f"/v1/documents?name={name}", content)
        assert status == 202, (status, body)
        return json.loads(body)["id"]

    def is_served(self, document, content):
        """Waits until a document is active, and compares its bytes."""
        path = f"/v1/documents/{document}"
        end = time.monotonic() + PATIENCE
        while True:
            status, body = self.asks("GET", f"{path}?wait=10")
            assert status == 200, (status, body)
            state = json.loads(body)["status"]
            if state != "pending":
                break
            assert time.monotonic() < end, f"{document} is still pending\n{self.logs()}"
        assert state == "active", body
        status, bytes_ = self.asks("GET", f"{path}/content")
        assert (status, bytes_) == (200, content), (status, len(bytes_))


class Uploading:
    """Uploads one after another in the background, whatever happens meanwhile."""

    def __init__(self, service):
        self.service = service
        self.accepted, self.refused, self.cut_off = {}, 0, 0
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.upload_all, daemon=True)

    def upload_all(self):
        number = 0
        while not self.ends.is_set():
            number += 1
            content = f"{NAME} {number} {time.monotonic_ns()}".encode() * 200
            try:
                status, body = self.service.asks("POST", f"/v1/documents?name={number}.txt", content)
            except (OSError, http.client.HTTPException):
                self.cut_off += 1
            else:
                if status == 202:
                    self.accepted[json.loads(body)["id"]] = content
                else:
                    self.refused += 1
            self.ends.wait(0.02)

    def __enter__(self):
        self.thread.start()
        self.has_accepted(5)
        return self

    def has_accepted(self, more):
        """Waits until that many more are accepted."""
        goal = len(self.accepted) + more
        waits(lambda: None if len(self.accepted) >= goal else f"{len(self.accepted)} accepted")

    def __exit__(self, kind, *_):
        self.ends.set()
        self.thread.join()
        if kind is None:
            for document, content in self.accepted.items():
                self.service.is_served(document, content)

    def __str__(self):
        return (
            f"{len(self.accepted)} accepted, all active with their bytes; {self.refused} refused, "
            f"{self.cut_off} without an answer"
        )


def waits(complaint, more=lambda: ""):
    """Waits until there is nothing to complain of."""
    end = time.monotonic() + PATIENCE
    while (last := complaint()) is not None:
        if time.monotonic() > end:
            raise AssertionError(f"{last}\n{more()}")
        time.sleep(0.3)


def ask_health(service, role):
    result = service.tries("exec", "-T", role, "dossier", "health")
    return result.returncode, result.stdout + result.stderr


# --- the checks, in order -------------------------------------------------------------------------


def no_password_has_a_default(service, secrets):
    result = run("docker", "compose", "--env-file", "/dev/null", "config")
    assert result.returncode and "deploy/compose/secrets" in result.stderr, result
    assert os.stat(secrets).st_mode & 0o777 == 0o600
    before = pathlib.Path(secrets).read_text()
    done("deploy/compose/secrets", secrets)
    assert pathlib.Path(secrets).read_text() == before
    return "compose demands them; deploy/compose/secrets makes them once"


def every_image_is_pinned(service, _):
    images = service.does("config", "--images").split()
    for image in set(images) - {IMAGE}:
        release = image.partition(":")[2]
        assert any(letter.isdigit() for letter in release), image
    return ", ".join(sorted(set(images)))


def the_image_says_who_it_is(service, _):
    image = json.loads(docker("image", "inspect", IMAGE))[0]
    config = image["Config"]
    assert config["User"] == "10001:10001", config["User"]
    assert config["Healthcheck"]["Test"] == ["CMD", "dossier", "health"], config
    return f"{image['Size'] / 1e6:.0f} MB, user 10001:10001, health asked by the program itself"


def it_comes_up_healthy(service, _):
    since = time.monotonic()
    service.up(2)
    service.becomes_healthy(2)
    admin = ("run", "--rm", "-T", "--no-deps", "--entrypoint", "cat", "migrate")
    service.key = service.does(*admin, "/var/lib/dossier/admin.key")
    return f"one ingress and two workers after {time.monotonic() - since:.0f} s"


def containers_have_no_more_than_they_need(service, _):
    for role in ROLES:
        for identity in ("-u", "-g"):
            assert service.does("exec", "-T", role, "id", identity) == "10001", role
        assert service.tries("exec", "-T", role, "touch", "/usr/x").returncode != 0
    for container in service.does("ps", "--quiet").split():
        one = json.loads(docker("inspect", container))[0]
        assert one["HostConfig"]["Memory"] > 0, one["Name"]
        limit = int(docker("exec", container, "cat", *memory_limit_files(container)).split()[0])
        assert limit == one["HostConfig"]["Memory"], (one["Name"], limit)
    return "user and group 10001, read-only, each within a memory limit that is in force"


def memory_limit_files(container):
    second = "/sys/fs/cgroup/memory.max"
    if run("docker", "exec", container, "test", "-e", second).returncode == 0:
        return (second,)
    return ("/sys/fs/cgroup/memory/memory.limit_in_bytes",)


def an_upload_is_active_and_comes_back(service, _):
    content = os.urandom(3_000_000)
    since = time.monotonic()
    document = service.uploads("first.bin", content)
    service.is_served(document, content)
    return f"3 MB, active and read after {(time.monotonic() - since) * 1000:.0f} ms"


def workers_scale_up_and_down(service, _):
    with Uploading(service) as uploading:
        service.up(4, "--no-recreate")
        service.becomes_healthy(4)
        uploading.has_accepted(10)
        service.up(3, "--no-recreate")
        service.becomes_healthy(3)
    assert uploading.refused == uploading.cut_off == 0, uploading
    return f"2, 4, 3 workers: {uploading}"


def a_killed_worker_loses_nothing(service, _):
    with Uploading(service) as uploading:
        docker("kill", service.containers("worker")[0]["Id"])
        uploading.has_accepted(30)
    assert uploading.refused == uploading.cut_off == 0, uploading
    service.up(3, "--no-recreate")
    service.becomes_healthy(3)
    return str(uploading)


def containers_roll_one_by_one(service, _):
    with Uploading(service) as uploading:
        before = {one["Id"] for role in ROLES for one in service.containers(role)}
        service.up(3, "--no-deps", "--force-recreate", "worker")
        service.becomes_healthy(3)
        assert uploading.refused == uploading.cut_off == 0, uploading
        service.does("up", "--detach", "--no-build", "--no-deps", "--force-recreate", "ingress")
        service.becomes_healthy(3)
        uploading.has_accepted(5)
        after = {one["Id"] for role in ROLES for one in service.containers(role)}
        assert not before & after
    return f"{uploading} while the only ingress was replaced"


def a_drain_ends_well_and_nothing_waits_in_vain(service, _):
    stopped = [one["Id"] for one in service.containers("worker")]
    since = time.monotonic()
    service.does("stop", "worker")
    took = time.monotonic() - since
    for one in json.loads(docker("inspect", *stopped)):
        assert one["State"]["ExitCode"] == 0, one["State"]
    content = b"waits for a worker " * 1000
    document = service.uploads("waits.txt", content)
    status, body = service.asks("GET", f"/v1/documents/{document}?wait=2")
    assert json.loads(body)["status"] == "pending", body
    service.does("start", "worker")
    service.is_served(document, content)
    ingress = service.containers("ingress")[0]["Id"]
    service.does("stop", "ingress")
    assert json.loads(docker("inspect", ingress))[0]["State"]["ExitCode"] == 0
    service.does("start", "ingress")
    service.becomes_healthy(3)
    return f"three workers drained in {took:.1f} s, exit code 0; the same of ingress"


def health_names_what_is_down(service, _):
    for role in ROLES:
        code, text = ask_health(service, role)
        assert code == 0 and '"ready"' in text, (role, code, text)
    service.does("stop", "postgres")

    def unhealthy():
        for role in ROLES:
            code, text = ask_health(service, role)
            if code != 1 or "database" not in text:
                return f"{role}: {code} {text}"
            live = service.tries("exec", "-T", role, "dossier", "health", "--live")
            assert live.returncode == 0, live
            states = {one["State"]["Health"]["Status"] for one in service.containers(role)}
            if states != {"unhealthy"}:
                return f"{role}: {states}"
        return None

    waits(unhealthy)
    service.does("start", "postgres")
    service.becomes_healthy(3)
    document = service.uploads("after.txt", b"after the outage")
    service.is_served(document, b"after the outage")
    return "without its database not ready, but live; ready again without a restart"


def the_audit_finds_nothing(service, _):
    result = service.tries("run", "--rm", "--no-deps", "-T", "worker", "audit", "--deep")
    assert result.returncode == 0, result.stdout + result.stderr
    return "database and storage agree, every digest read"


def the_image_alone_serves(_, __):
    container = docker("run", "--detach", "--read-only", "--tmpfs", "/tmp", IMAGE)
    try:
        def unhealthy():
            state = json.loads(docker("inspect", container))[0]["State"]
            status = state["Health"]["Status"]
            return None if status == "healthy" else f"{status}: {docker('logs', container)}"

        waits(unhealthy)
        docker("stop", container)
        assert json.loads(docker("inspect", container))[0]["State"]["ExitCode"] == 0
    finally:
        docker("rm", "--force", "--volumes", container)
    return "docker run without anything else is healthy, and ends with exit code 0"


CHECKS = [
    no_password_has_a_default,
    every_image_is_pinned,
    the_image_says_who_it_is,
    it_comes_up_healthy,
    containers_have_no_more_than_they_need,
    an_upload_is_active_and_comes_back,
    workers_scale_up_and_down,
    a_killed_worker_loses_nothing,
    containers_roll_one_by_one,
    a_drain_ends_well_and_nothing_waits_in_vain,
    health_names_what_is_down,
    the_audit_finds_nothing,
    the_image_alone_serves,
]


def build():
    since = time.monotonic()
    if BUILT.exists():
        docker("build", "--build-context", f"build={BUILT}/.", "--tag", IMAGE, ".")
        how = "around a program that was built before"
    else:
        docker("build", "--tag", IMAGE, ".")
        how = "from source"
    print(f"containers: the image is built, {how} ({time.monotonic() - since:.0f} s)", flush=True)


def main():
    build()
    with tempfile.TemporaryDirectory() as folder:
        secrets = f"{folder}/secrets"
        done("deploy/compose/secrets", secrets)
        service = Service(secrets)
        try:
            for check in CHECKS:
                since = time.monotonic()
                what = check.__name__.replace("_", " ")
                try:
                    told = check(service, secrets)
                except AssertionError as error:
                    print(f"containers: FAILED: {what}: {error}")
                    return 1
                seconds = time.monotonic() - since
                print(f"containers: {what}: {told} ({seconds:.0f} s)", flush=True)
        finally:
            with contextlib.suppress(AssertionError):
                service.does("down", "--volumes", "--timeout", "5")
    print(f"containers: {len(CHECKS)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

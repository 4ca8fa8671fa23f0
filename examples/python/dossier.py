"""A small client of Dossier without dependencies: upload, wait, list, download.

    DSR_URL=http://127.0.0.1:8080 DSR_KEY=... python3 dossier.py FILE
"""

import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

TRANSIENT = {429, 502, 503, 504}


class Problem(Exception):
    """The service refused a request: `code` is one of a closed list."""

    def __init__(self, problem):
        super().__init__(f"{problem['detail']} ({problem['code']}, request {problem['request_id']})")
        self.code = problem["code"]


class Dossier:
    """A client of one service with one key."""

    def __init__(self, url=None, key=None):
        self.url = (url or os.environ.get("DSR_URL", "http://127.0.0.1:8080")).rstrip("/")
        self.key = key or os.environ["DSR_KEY"]

    def open(self, method, path, query=None, body=None, headers=None):
        """Sends a request, again where that may help. What changes something carries a key that all
        tries share, so that it takes effect once."""
        query = {name: value for name, value in (query or {}).items() if value is not None}
        address = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        if method != "GET":
            headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        for attempt in range(5):
            request = urllib.request.Request(address, body, headers, method=method)
            try:
                return urllib.request.urlopen(request, timeout=120)
            except urllib.error.HTTPError as error:
                if error.code not in TRANSIENT or attempt == 4:
                    raise Problem(json.load(error)) from None
                pause = float(error.headers.get("Retry-After", 2**attempt))
            except OSError:
                if attempt == 4:
                    raise
                pause = 2**attempt
            time.sleep(pause)

    def json(self, method, path, query=None, body=None):
        """Sends a request with a JSON body, and reads the answer."""
        headers = {}
        if body is not None:
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        with self.open(method, path, query, body, headers) as answer:
            return json.load(answer)

    def upload(self, name, content, **query):
        """Uploads bytes. The document is durable, and pending."""
        headers = {"Content-Type": "application/octet-stream"}
        query = {"name": name, **query}
        with self.open("POST", "/v1/documents", query, content, headers) as answer:
            return json.load(answer)

    def settled(self, document):
        """Waits until a document is no longer pending."""
        while document["status"] == "pending":
            document = self.json("GET", f"/v1/documents/{document['id']}", {"wait": 30})
        return document

    def documents(self, **filters):
        """All documents that match, page by page."""
        yield from self.items("/v1/documents", **filters)

    def items(self, path, **query):
        """The items of any list."""
        cursor = None
        while True:
            page = self.json("GET", path, {**query, "cursor": cursor, "limit": 200})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def download(self, document):
        """The content of a document, held against its digest."""
        with self.open("GET", f"/v1/documents/{document['id']}/content") as answer:
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != document["sha256"]:
            raise ValueError("the content differs from its digest")
        return content

    def operation(self, action, select, **more):
        """Runs an operation on many documents to its end."""
        body = {"action": action, "select": select, **more}
        return self.ended(self.json("POST", "/v1/operations", body=body))

    def ended(self, operation):
        """Waits until an operation has ended."""
        while operation["finished_at"] is None:
            operation = self.json("GET", f"/v1/operations/{operation['id']}", {"wait": 30})
        return operation


def main():
    path = sys.argv[1]
    dossier = Dossier()
    with open(path, "rb") as file:
        content = file.read()
    document = dossier.settled(dossier.upload(os.path.basename(path), content))
    assert dossier.download(document) == content
    for listed in dossier.documents(sort="name"):
        print(listed["id"], listed["status"], listed["mime_type"], listed["name"])


if __name__ == "__main__":
    main()

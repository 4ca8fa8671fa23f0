"""What the description can't say of a right request, said to Schemathesis by name.

Requests that are meant to be right are touched, and of the wrong ones those that would be right.
"""

import uuid

import schemathesis


@schemathesis.serializer("application/offset+octet-stream", "application/partial-upload")
def bytes_of(ctx, value):
    """The bytes of an upload are what they are."""
    value = getattr(value, "data", value)
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(ctx, case, kwargs):
    if case.meta is None:
        return
    if not case.meta.generation.mode.is_positive:
        # A form has no `null`: its text would be a right unique name.
        form = case.body if isinstance(case.body, dict) else {}
        if case.media_type == "multipart/form-data" and form.get("unique_name", "") is None:
            case.body = {**form, "unique_name": "NULL"}
        return
    # A key belongs to one request. Those made up here are often the same for several.
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    # Bytes that are made up have no digest that is made up; and by the draft of the IETF the answers
    # are those of `POST /v1/uploads`.
    for name in ("Content-Digest", "Repr-Digest", "Upload-Complete"):
        (case.headers or {}).pop(name, None)
    speak_tus(case)
    query = case.query or {}
    # A cursor comes from the page before, of the same question.
    query.pop("cursor", None)
    if case.operation.definition.raw.get("operationId") == "read_events":
        query.pop("after", None)
        # Nothing may come for so long.
        query.pop("wait", None)
        if case.headers:
            case.headers.pop("Last-Event-ID", None)
    # A raw body of this type would be sent as a form without a part.
    if case.media_type == "multipart/mixed":
        case.media_type = "application/octet-stream"
    if case.media_type == "multipart/form-data":
        # An empty file would be sent as a form without a part, which is none.
        form = case.body if isinstance(case.body, dict) else {}
        file = form.get("file")
        if not getattr(file, "data", file):
            case.body = {**form, "file": "text"}
    form = case.body if isinstance(case.body, dict) else {}
    if case.operation.definition.raw.get("operationId") == "upload_document":
        if case.media_type == "multipart/form-data":
            # A field of the form and a parameter of the same name are one too many.
            for name in form:
                query.pop(name, None)
        else:
            # Without a form, there is no file name to take.
            query.setdefault("name", "report.txt")
            case.query = query
    # A public document has a unique name.
    for described in (query, form):
        if "unique_name" in described and described["unique_name"] is None:
            described["is_public"] = False
            if case.media_type == "multipart/form-data":
                # A form has no `null`: its text would be a name.
                del described["unique_name"]
        elif described.get("is_public") and "unique_name" not in described:
            del described["is_public"]


def speak_tus(case):
    """Makes the fields of tus fit together, which no description can ask for."""
    operation = case.operation.definition.raw.get("operationId", "")
    if "upload" not in operation or "/uploads" not in case.operation.path:
        return
    headers = case.headers
    if headers is None or case.method.upper() == "GET":
        return
    for name in (
        "Upload-Concat",
        "Upload-Checksum",
        "Upload-Defer-Length",
        "Upload-Length",
    ):
        headers.pop(name, None)
    headers["Tus-Resumable"] = "1.0.0"
    case.media_type = "application/offset+octet-stream"
    if case.method.upper() == "POST":
        headers["Upload-Length"] = "1000000"
        headers["Upload-Metadata"] = "filename cmVwb3J0LnR4dA=="
    if case.method.upper() == "PATCH":
        headers["Upload-Offset"] = "0"
        # Bytes of no length have a type as well.
        headers["Content-Type"] = "application/offset+octet-stream"

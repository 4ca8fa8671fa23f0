-- Users are referred to by id without a foreign key: the log outlives them. Ids begin with the
-- time, so they order entries by time, and old entries are found by id.
CREATE TABLE audit_log (
    id {uuid} PRIMARY KEY,
    at bigint NOT NULL,
    kind text NOT NULL,
    actor text,
    subject text,
    address text,
    request_id text,
    count bigint NOT NULL,
    detail {json} NOT NULL
);
CREATE INDEX audit_log_by_kind ON audit_log (kind, id);
CREATE INDEX audit_log_by_actor ON audit_log (actor, id);
CREATE INDEX audit_log_by_subject ON audit_log (subject, id);

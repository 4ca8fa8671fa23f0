-- One row: the id by which this ledger and its places know each other, made at the first start.
CREATE TABLE installation (
    one bigint PRIMARY KEY CHECK (one = 1),
    id {uuid} NOT NULL,
    created_at bigint NOT NULL
);
-- Places that carry its mark: one that was marked and has no mark any more is not what it was.
CREATE TABLE places (
    url {name} PRIMARY KEY,
    marked_at bigint NOT NULL
);

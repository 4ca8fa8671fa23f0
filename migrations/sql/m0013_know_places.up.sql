-- One row: the id of this ledger, which its places carry as a mark, created at the first start.
CREATE TABLE installation (
    one bigint PRIMARY KEY CHECK (one = 1),
    id {uuid} NOT NULL,
    created_at bigint NOT NULL
);
-- Places that carry its mark: if the mark of one of them is missing, the place was replaced.
CREATE TABLE places (
    url {name} PRIMARY KEY,
    marked_at bigint NOT NULL
);

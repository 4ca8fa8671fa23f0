-- Compatibility with older releases: those whose newest migration is `works_from`, or a later one,
-- can work with a schema whose newest migration is `newest`.
CREATE TABLE schema_compatibility (
    newest {name} PRIMARY KEY,
    works_from {name} NOT NULL
);
-- One row, which readiness writes to check that the database accepts writes.
CREATE TABLE write_checks (
    id bigint PRIMARY KEY CHECK (id = 1),
    writes bigint NOT NULL
);
INSERT INTO write_checks (id, writes) VALUES (1, 0);

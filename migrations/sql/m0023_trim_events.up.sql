-- Positions of cleanup jobs that walk through a table in its order.
CREATE TABLE cleanup_positions (
    name text PRIMARY KEY,
    position bigint NOT NULL
);

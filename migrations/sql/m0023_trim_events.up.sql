-- How far jobs of the cleanup have come that go through a table once, in its order.
CREATE TABLE cleanup_positions (
    name text PRIMARY KEY,
    position bigint NOT NULL
);

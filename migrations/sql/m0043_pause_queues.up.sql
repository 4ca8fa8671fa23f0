-- Queues that an operator has paused at least once, and since when they are as they are.
CREATE TABLE queue_pauses (
    queue text PRIMARY KEY,
    is_paused boolean NOT NULL,
    changed_at bigint NOT NULL
);

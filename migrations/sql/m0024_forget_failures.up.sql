-- Failed versions whose bytes are gone, the oldest first.
CREATE INDEX versions_over ON versions (settled_at) WHERE status = 'error' AND staged_url IS NULL;

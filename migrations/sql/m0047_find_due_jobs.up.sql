-- Jobs whose lease is over. Its condition differs from that of a claim, so that claims never use this index.
CREATE INDEX jobs_leased ON jobs (queue, run_at) WHERE state = 'running';

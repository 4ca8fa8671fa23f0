-- Public keys of signed receipts: the current one, and all before it, in Base64 for URLs.
CREATE TABLE signing_keys (
    public_key text PRIMARY KEY,
    created_at bigint NOT NULL
);

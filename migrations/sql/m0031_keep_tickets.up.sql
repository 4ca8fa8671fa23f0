-- Tickets: uploads by somebody without a key, as their owner.
CREATE TABLE tickets (
    id {uuid} PRIMARY KEY,
    owner_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The digest of the secret, which is random and kept nowhere.
    secret_sha256 text NOT NULL UNIQUE,
    name {name},
    metadata text NOT NULL,
    uses bigint NOT NULL CHECK (uses >= 1),
    uses_left bigint NOT NULL CHECK (uses_left BETWEEN 0 AND uses),
    max_bytes bigint CHECK (max_bytes >= 0),
    -- A JSON list of media types or patterns; empty if all are allowed.
    allowed_types text NOT NULL,
    cors_origin text,
    -- Bytes of the owner's quota for the uses that are left.
    reserved_bytes bigint NOT NULL CHECK (reserved_bytes >= 0),
    revoked_at bigint,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX tickets_of_owner ON tickets (owner_id, id);
CREATE INDEX tickets_due ON tickets (expires_at, id);
-- The uploads of a ticket, and the most bytes of one.
ALTER TABLE uploads ADD COLUMN ticket_id {uuid};
ALTER TABLE uploads ADD COLUMN max_bytes bigint;
CREATE INDEX uploads_of_ticket ON uploads (ticket_id) WHERE ticket_id IS NOT NULL;
-- The documents that were uploaded by tickets.
CREATE TABLE ticket_documents (
    document_id {uuid} PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    ticket_id {uuid} NOT NULL REFERENCES tickets (id) ON DELETE CASCADE
);
CREATE INDEX ticket_documents_of_ticket ON ticket_documents (ticket_id);

-- Resumable uploads: what they have received, and what they are to become.
CREATE TABLE uploads (
    id {uuid} PRIMARY KEY,
    owner_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    protocol text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'complete', 'expired')),
    -- The name of the document; none of a version or a part.
    name {name},
    -- What it is to become: a document, a version, or a part of another upload. JSON.
    purpose text NOT NULL,
    -- What its client said, to be repeated: Upload-Metadata and Upload-Concat of tus.
    metadata text NOT NULL,
    concat text NOT NULL,
    -- Bytes that are durable, and all of them if that is known.
    offset_bytes bigint NOT NULL CHECK (offset_bytes >= 0),
    length_bytes bigint CHECK (length_bytes >= offset_bytes),
    -- Whether it is complete with its length; else a request has to say so.
    ends boolean NOT NULL,
    -- Bytes and documents of the owner's quota that it holds.
    reserved_bytes bigint NOT NULL CHECK (reserved_bytes >= 0),
    reserved_documents bigint NOT NULL CHECK (reserved_documents IN (0, 1)),
    -- The state of the digest after the durable bytes, and the digest that its client expects.
    digest text NOT NULL,
    expected_sha256 text,
    -- The object that grows: its URL, that of its tail, and what the storage has to know.
    staged_url text,
    tail_url text,
    parts text NOT NULL,
    -- Parts that may have been written by requests that were cut off.
    skipped_parts bigint NOT NULL DEFAULT 0,
    -- The number of the last request that writes, and how many parts it may write before it
    -- records them; 0 once it has ended.
    fence bigint NOT NULL DEFAULT 0,
    held_parts bigint NOT NULL DEFAULT 0,
    -- The uploads that one consists of, as a JSON list; and the one that this part is taken by.
    joins text,
    joined_by {uuid},
    -- What it became.
    document_id {uuid},
    version bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    -- Of an open one: when it expires; of another: when it is forgotten.
    expires_at bigint NOT NULL,
    CHECK (status <> 'open' OR staged_url IS NOT NULL),
    CHECK (status <> 'expired' OR (staged_url IS NULL AND reserved_bytes = 0))
);
CREATE INDEX uploads_of_owner ON uploads (owner_id, id);
CREATE INDEX uploads_due ON uploads (expires_at, id);
CREATE INDEX uploads_unfinished ON uploads (updated_at, id)
    WHERE status = 'open' AND ends AND offset_bytes = length_bytes;
CREATE INDEX uploads_staged ON uploads (staged_url {bytewise}) WHERE staged_url IS NOT NULL;
CREATE INDEX uploads_tails ON uploads (tail_url {bytewise}) WHERE tail_url IS NOT NULL;

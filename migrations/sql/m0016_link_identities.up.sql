ALTER TABLE users ADD COLUMN disabled boolean NOT NULL DEFAULT false;

-- Without a user: the identity of a deleted user, which its tokens don't create again.
CREATE TABLE identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id {uuid} REFERENCES users (id) ON DELETE SET NULL,
    created_at bigint NOT NULL,
    deleted_at bigint,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_of_user ON identities (user_id);
CREATE INDEX identities_of_nobody ON identities (deleted_at) WHERE user_id IS NULL;

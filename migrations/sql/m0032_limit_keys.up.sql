-- What a key is for: a label, its first characters, its scopes separated by spaces (NULL: all that
-- its user may do), when it ends, and when it was last used, to the minute.
ALTER TABLE api_keys ADD COLUMN name {name};
ALTER TABLE api_keys ADD COLUMN starts_with text;
ALTER TABLE api_keys ADD COLUMN scopes text;
ALTER TABLE api_keys ADD COLUMN expires_at bigint;
ALTER TABLE api_keys ADD COLUMN last_used_at bigint;

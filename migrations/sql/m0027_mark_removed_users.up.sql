-- When the removal of a user began, whose rows are removed in batches: the user is hidden.
ALTER TABLE users ADD COLUMN removed_at bigint;

-- When the removal of a user began, whose rows go in parts: nobody sees them any more.
ALTER TABLE users ADD COLUMN removed_at bigint;

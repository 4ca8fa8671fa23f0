ALTER TABLE api_keys DROP COLUMN by_sign_in;
ALTER TABLE identities DROP COLUMN decides_role;

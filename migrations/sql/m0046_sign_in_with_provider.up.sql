-- Whether a provider decides about the role of the user, whom signing in with it has made.
ALTER TABLE identities ADD COLUMN decides_role boolean NOT NULL DEFAULT false;
-- Keys that somebody got by signing in. A user has few of them: another one replaces the oldest.
ALTER TABLE api_keys ADD COLUMN by_sign_in boolean NOT NULL DEFAULT false;

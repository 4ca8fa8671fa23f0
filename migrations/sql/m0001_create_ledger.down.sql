DROP TABLE discards;
DROP TABLE events;
DROP TABLE jobs;
DROP TABLE versions;
DROP TABLE documents;
DROP TABLE blobs;
DROP TABLE api_keys;
DROP TABLE users;

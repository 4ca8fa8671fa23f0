UPDATE users SET reserved_bytes = reserved_bytes - held.bytes
FROM (SELECT owner_id, CAST(sum(reserved_bytes) AS bigint) AS bytes FROM tickets GROUP BY owner_id) AS held
WHERE users.id = held.owner_id;
DROP TABLE ticket_documents;
DROP INDEX uploads_of_ticket;
ALTER TABLE uploads DROP COLUMN max_bytes;
ALTER TABLE uploads DROP COLUMN ticket_id;
DROP TABLE tickets;

UPDATE users SET reserved_bytes = reserved_bytes - held.bytes, used_documents = used_documents - held.documents
FROM (SELECT owner_id, CAST(sum(reserved_bytes) AS bigint) AS bytes, CAST(sum(reserved_documents) AS bigint) AS documents
    FROM uploads WHERE protocol = 'direct' GROUP BY owner_id) AS held WHERE users.id = held.owner_id;
DELETE FROM uploads WHERE protocol = 'direct';
ALTER TABLE versions DROP COLUMN is_direct;

{postgres} DROP INDEX IF EXISTS documents_by_name_part;

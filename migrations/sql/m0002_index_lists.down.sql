DROP INDEX documents_with_history;
DROP INDEX documents_public;
DROP INDEX documents_not_active;
{postgres} DROP INDEX documents_by_metadata;

DROP INDEX documents_by_family;
DROP INDEX documents_by_type;

DROP TABLE write_checks;
DROP TABLE schema_compatibility;

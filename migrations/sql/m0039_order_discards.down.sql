DROP INDEX discards_due;

DROP TABLE storage_moves;

DROP TABLE cleanup_positions;

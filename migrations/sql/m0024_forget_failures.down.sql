DROP INDEX versions_over;

DROP INDEX versions_pending;
DROP INDEX jobs_dead;
DROP INDEX jobs_waiting;
DROP TABLE workers;

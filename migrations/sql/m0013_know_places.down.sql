DROP TABLE places;
DROP TABLE installation;

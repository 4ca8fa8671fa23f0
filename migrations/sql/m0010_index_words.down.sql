{sqlite} DROP TRIGGER documents_lose_words;
{sqlite} DROP TRIGGER documents_change_words;
{sqlite} DROP TRIGGER documents_gain_words;
{sqlite} DROP VIEW words_of_documents;
{sqlite} DROP TABLE document_words;
{sqlite} DROP TABLE document_numbers;

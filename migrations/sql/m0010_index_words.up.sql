-- SQLite has no index for parts of names or for JSON containment. An FTS5 index of words replaces
-- both: a word for each three characters of a name, and one for each scalar of the metadata with
-- its key and, outside of arrays, its path. Documents with all words of a query are candidates. A
-- word begins with its kind and its owner, and consists of hexadecimal digits, so that no tokenizer
-- splits it.

-- FTS5 requires integer keys. SQLite's own may change in a VACUUM.
{sqlite} CREATE TABLE document_numbers (
    number integer PRIMARY KEY,
    document_id blob NOT NULL UNIQUE
);
{sqlite} CREATE VIRTUAL TABLE document_words USING fts5 (
    words, content = '', contentless_delete = 1, detail = 'none', tokenize = 'ascii'
);

-- Integers below 2^53 and fractions compare by value, however they are written. Above, only 64-bit
-- integers are distinguished.
{sqlite} CREATE VIEW words_of_documents AS
SELECT documents.id AS document_id,
    coalesce((
        SELECT group_concat('n' || substr(hex(owner_id), -12) || hex(substr(name_folded, part.key + 1, 3)), ' ')
        FROM json_each('[0' || replace(hex(zeroblob(length(name_folded) - 3)), '00', ',0') || ']') AS part
        WHERE length(name_folded) >= 3
    ), '') || ' ' || coalesce((
        SELECT group_concat('m' || substr(hex(owner_id), -12) || hex(substr(
            CASE
                WHEN leaf.type = 'text' THEN 't' || substr(leaf.atom, 1, 100)
                WHEN leaf.type NOT IN ('integer', 'real') THEN leaf.type
                WHEN abs(leaf.atom + 0.0) <= 9007199254740992.0 THEN 'd' || format('%!.17g', leaf.atom + 0.0)
                WHEN typeof(leaf.atom) = 'integer' THEN 'i' || leaf.atom
                ELSE 'large'
            END
            || CASE WHEN typeof(leaf.key) = 'text' THEN '.' || leaf.key ELSE '' END
            || CASE WHEN instr(leaf.path, '[') = 0 THEN leaf.path ELSE '' END
        , 1, 200)), ' ')
        FROM json_tree(metadata) AS leaf WHERE leaf.type NOT IN ('object', 'array')
    ), '') AS words
FROM documents;

{sqlite} INSERT INTO document_numbers (document_id) SELECT id FROM documents ORDER BY created_at, id;
{sqlite} INSERT INTO document_words (rowid, words)
SELECT number, words FROM document_numbers CROSS JOIN words_of_documents USING (document_id) ORDER BY number;

-- Statements within a trigger end within a line.
{sqlite} CREATE TRIGGER documents_gain_words AFTER INSERT ON documents BEGIN
    INSERT INTO document_numbers (document_id) VALUES (new.id); INSERT INTO document_words (rowid, words)
    SELECT number, words FROM document_numbers CROSS JOIN words_of_documents USING (document_id)
    WHERE document_id = new.id; END;
{sqlite} CREATE TRIGGER documents_change_words AFTER UPDATE OF name_folded, metadata ON documents
WHEN new.name_folded <> old.name_folded OR new.metadata <> old.metadata BEGIN
    DELETE FROM document_words WHERE rowid = (SELECT number FROM document_numbers WHERE document_id = new.id); INSERT INTO document_words (rowid, words)
    SELECT number, words FROM document_numbers CROSS JOIN words_of_documents USING (document_id)
    WHERE document_id = new.id; END;
{sqlite} CREATE TRIGGER documents_lose_words AFTER DELETE ON documents BEGIN
    DELETE FROM document_words WHERE rowid = (SELECT number FROM document_numbers WHERE document_id = old.id); DELETE FROM document_numbers WHERE document_id = old.id; END;

//! Texts whose grammars are near each other, or too short to tell.

use crate::fixtures::{named, nameless, type_of};

#[test]
fn a_name_decides_between_near_grammars() {
    let script = "'use strict';\nconst a = require('a');\nmodule.exports = function (b) {\n  console.log(b);\n};\n";
    let header = "#ifndef A_H\n#define A_H\n#include <stdio.h>\nint a(void);\n#endif\n";
    let cases = [
        (script, "a.ts", "application/typescript"),
        (script, "a.js", "text/javascript"),
        (header, "a.cpp", "text/x-c++"),
        (header, "a.c", "text/x-c"),
        ("select 1;\n", "a.sql", "application/sql"),
        ("print 1\n", "a.lua", "text/x-lua"),
        ("a {\n  b: c;\n}\n", "a.css", "text/css"),
        ("let a = 1\n", "a.swift", "text/x-swift"),
        ("fun main() = println(1)\n", "a.kt", "text/x-kotlin"),
        ("@misc{a, title = {B}}\n", "a.bib", "text/x-bibtex"),
    ];
    for (text, name, expected) in cases {
        assert_eq!(named(text.as_bytes(), name).media_type, expected, "{name}");
    }
}

#[test]
fn types_make_a_script_typescript() {
    let typed = "import { a } from './a';\n\nexport interface B {\n  c: string;\n}\n\nexport function d(e: number): string {\n  const f = a(e);\n  return f;\n}\n";
    assert_eq!(type_of(typed.as_bytes()), "application/typescript");
}

#[test]
fn short_texts_are_not_taken_for_anything_specific() {
    let texts = [
        "User-agent: *\nDisallow: /private/\nAllow: /\n\nSitemap: https://example.org/sitemap.xml\n",
        "# comment\nuser-agent: a\ndisallow: /\n",
        "let a = 1\n",
        "val a = 1\n",
        "x = 1;\ny = 2;\n",
        "cmake_minimum_required(VERSION 3.10)\nproject(a)\nif(WIN32)\n  add_definitions(-DA)\nendif()\nadd_executable(a a.c)\n",
    ];
    for text in texts {
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
    }
}

#[test]
fn a_sentence_called_markdown_is_markdown() {
    assert_eq!(
        named(b"Just a sentence.", "a.md").media_type,
        "text/markdown"
    );
    for text in [
        "a = 1\nb = 2\n",
        "[a]\nb = 1\n",
        "2026-01-01T00:00:00Z INFO a=1\n",
        "x;y\n",
    ] {
        assert_eq!(
            named(text.as_bytes(), "a.md").media_type,
            "text/plain",
            "{text}"
        );
    }
}

#[test]
fn underlined_titles_and_links_are_markdown_without_a_name() {
    let titled =
        "A title\n=======\n\nWords and a [link](https://example.org/a).\n\nMore\n----\n\nWords.\n";
    let linked = "Some words with a [link](https://example.org/a) in them.\n\nAnd [another](https://example.org/b).\n";
    let line =
        "Read the [manual](https://example.org/m) and the [guide](https://example.org/g) first.\n";
    for text in [titled, linked, line] {
        assert_eq!(type_of(text.as_bytes()), "text/markdown", "{text}");
    }
}

#[test]
fn markup_is_found_behind_zeros_and_lines_of_a_log() {
    let page = "<!DOCTYPE html><html><head><title>t</title></head><body></body></html>";
    let data = "<?xml version=\"1.0\"?><a><b>1</b></a>";
    for before in [
        "\0\0\0",
        "\0\0\u{feff}",
        "\u{feff}",
        "\u{feff}\u{feff}\n",
        "2026-01-01 12:00:00 INFO ready\n",
    ] {
        assert_eq!(
            type_of(format!("{before}{page}").as_bytes()),
            "text/html",
            "{before:?}"
        );
        assert_eq!(
            type_of(format!("{before}{data}").as_bytes()),
            "application/xml",
            "{before:?}"
        );
    }
    // A program that writes XML is none.
    assert_eq!(
        type_of(b"cat > a.xml <<END\n<?xml version=\"1.0\"?>\n<a/>\nEND\n"),
        "text/plain"
    );
}

#[test]
fn documents_of_json_may_follow_each_other() {
    assert_eq!(
        type_of(b"{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n"),
        "application/json"
    );
    assert_eq!(
        type_of(b"{\"a\": 1}\n{\"a\": 2}\n{\"a\":"),
        "application/x-ndjson"
    );
    assert_eq!(
        named(b"{\"a\": 1}\n", "a.jsonl").media_type,
        "application/x-ndjson"
    );
    assert_eq!(
        type_of(b"\x1e{\"a\": 1}\n\x1e{\"a\": 2}\n"),
        "application/json-seq"
    );
    assert_eq!(
        type_of(b"{\"name\": \"a\", \"values\": [1, 2, 3], \"more\": {\"of\": \"it\", \"and\": [\"cut\", \"he"),
        "application/json"
    );
}

#[test]
fn tables_may_leave_out_their_last_columns() {
    let table = "version,name,from,to,until\n1,a,2001-01-01,2002-01-01\n2,b,2002-01-01,2003-01-01\n3,c,2003-01-01,2004-01-01,2005-01-01\n4,d,2004-01-01\n5,e,2005-01-01\n";
    assert_eq!(type_of(table.as_bytes()), "text/csv");
}

#[test]
fn blocks_of_python_are_no_settings() {
    let stub =
        "class A:\n    def b(self) -> int: ...\n    c: int\n    d: str\nclass E:\n    f: int\n";
    assert_ne!(type_of(stub.as_bytes()), "application/yaml");
    assert_eq!(named(stub.as_bytes(), "a.pyi").media_type, "text/x-python");
}

#[test]
fn a_statement_of_sql_is_known_by_its_words_in_order() {
    for text in [
        "select a, b\nfrom c\nwhere d = 1;\n",
        "-- all of them\nSELECT * FROM a\n",
        "begin;\nupdate a\n   set b = 1;\ncommit;\n",
        "create or replace function a() returns int as $$ begin return 1; end $$;\n",
        "WITH a AS (SELECT 1) SELECT * FROM a;\n",
    ] {
        assert_eq!(type_of(text.as_bytes()), "application/sql", "{text}");
    }
    for text in [
        "Select a file from the list.\nThen update the others.\n",
        "Create the table in the hall, and set it from the left.\n",
        "with love from me;\n",
    ] {
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
    }
}

#[test]
fn examples_in_a_document_are_not_its_language() {
    let page = "Notes on the release\n====================\n\nThis is what has changed in it since last time.\n\nOne may now write the following in every file:\n\n    import os\n    from a import b\n\n    def main(argv):\n        for c in argv:\n            print(c)\n\nAnd nothing else has to be done about it.\n";
    assert_ne!(type_of(page.as_bytes()), "text/x-python");
    assert_eq!(named(page.as_bytes(), "a.md").media_type, "text/markdown");
}

#[test]
fn components_and_dialects_of_styles_are_known_without_a_name() {
    let vue = "<script setup>\nimport { ref } from 'vue'\n</script>\n\n<template>\n  <p>{{ a }}</p>\n</template>\n";
    let svelte = "<script>\n\texport let a;\n</script>\n\n{#if a}<p>{a}</p>{/if}\n";
    let scss = "$a: red;\n\n@mixin b {\n  color: $a;\n  margin: 0;\n}\n\n.c {\n  @include b;\n  padding: 0;\n  display: block;\n}\n";
    for component in [vue, svelte] {
        assert!(nameless(component.as_bytes()).active_content);
        let page = format!("{component}<body onload=alert(1)>");
        assert_eq!(type_of(page.as_bytes()), "text/html");
    }
    assert_eq!(type_of(vue.as_bytes()), "text/x-vue");
    assert_eq!(type_of(svelte.as_bytes()), "text/x-svelte");
    assert_eq!(type_of(scss.as_bytes()), "text/x-scss");
}

#[test]
fn directives_and_underlined_titles_are_restructured_text() {
    let text = "A title\n=======\n\n.. note:: words\n\n.. code-block:: python\n\n   import os\n";
    assert_eq!(type_of(text.as_bytes()), "text/x-rst");
    assert_eq!(named(text.as_bytes(), "a.txt").media_type, "text/plain");
}

#[test]
fn a_name_needs_words_that_the_language_which_was_found_has_not() {
    let java = "package a.b;\n\nimport java.util.List;\n\npublic class A {\n    private int a;\n    public static void main(String[] b) {\n        System.out.println(1);\n    }\n}\n";
    for name in [
        "a.kt", "a.scala", "a.groovy", "a.cs", "a.as", "a.d", "a.less",
    ] {
        assert_eq!(
            named(java.as_bytes(), name).media_type,
            "text/x-java",
            "{name}"
        );
    }
}

#[test]
fn roles_under_titles_are_restructured_text() {
    let text = "1.2 - Today\n-----------\n\n- Add :meth:`a.b`, which throws less.\n\n1.1 - Before\n------------\n\n- Fix :class:`a` and what it extends.\n";
    assert_eq!(type_of(text.as_bytes()), "text/x-rst");
}

#[test]
fn statements_with_commas_are_no_table() {
    let text = "const a = f({b, c});\nconst d = f({e, g});\nconst h = f({i, j});\n";
    assert_ne!(type_of(text.as_bytes()), "text/csv");
}

#[test]
fn a_typed_name_alone_makes_a_script_typescript() {
    let text =
        "import { A } from 'a';\n\nexport const b: A = {\n  c: () => 1,\n};\n\nexport default b;\n";
    assert_eq!(type_of(text.as_bytes()), "application/typescript");
}

#[test]
fn definitions_and_selections_of_graphql_are_known_without_a_name() {
    let texts = [
        "query A($b: B!) {\n  c(d: $b) {\n    e\n    ... on F {\n      g\n    }\n  }\n}\n",
        "{\n  a {\n    b\n    c\n  }\n}\n",
        "type A {\n  b: String!\n  c(d: Int): [E]\n}\n\nenum E {\n  F\n  G\n}\n",
    ];
    for text in texts {
        assert_eq!(type_of(text.as_bytes()), "application/graphql", "{text}");
    }
    for text in [
        "{\n  a;\n}\n",
        "type a = b;\ntype c = d;\n",
        "{ one word }\n",
        "query the table and tell us what you find\n",
    ] {
        assert_ne!(type_of(text.as_bytes()), "application/graphql", "{text}");
    }
}

#[test]
fn rules_make_a_makefile() {
    let text = "a: b c\n\tcc -o $@ b c\n\nb:\n\ttouch b\n";
    assert_eq!(type_of(text.as_bytes()), "text/x-makefile");
    assert_eq!(
        type_of(b"all:\n\tcp a b\nclean:\n\trm -f b\n"),
        "text/x-makefile"
    );
    // Labels of an assembler, and headings of notes.
    assert_ne!(
        type_of(b".text\nmain:\n\tpush rbp\nend:\n\tret\n"),
        "text/x-makefile"
    );
    assert_eq!(
        type_of(b"Shopping:\n\tbread\nWork:\n\tcall them\n"),
        "text/plain"
    );
}

#[test]
fn commands_and_entries_of_typesetting_are_known() {
    assert_eq!(
        type_of(b"\\renewcommand{\\a}{b}\n\\hskip 1pt\n\\relax\n"),
        "text/x-tex"
    );
    assert_eq!(
        type_of(b"@manual{a:b,\n  title={C},\n  date={2018},\n}\n"),
        "text/x-bibtex"
    );
    assert_eq!(
        type_of(b"\\\\server\\share is down\n\\\\other\\one too\n"),
        "text/plain"
    );
    assert_ne!(
        type_of(b"@Entity(name = \"a\")\nclass A {\n}\n"),
        "text/x-bibtex"
    );
}

#[test]
fn documents_of_other_notations_are_known_by_what_only_they_have() {
    let cases = [
        (
            "#+TITLE: A\n#+DATE: 2020-01-01\n\n* One\nWords.\n",
            "text/x-org",
        ),
        (
            "= A title\n:toc:\n\n== A section\n\nlink:a.txt[words]\n",
            "text/asciidoc",
        ),
        (
            "A title\n=======\n\n- `A <https://example.org>`_\n",
            "text/x-rst",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(type_of(text.as_bytes()), expected, "{text}");
    }
    let wiki = "== A ==\n\nWords.\n\n== B ==\n\nWords.\n";
    assert_eq!(type_of(wiki.as_bytes()), "text/plain");
}

#[test]
fn programs_without_line_ends_are_read_by_their_statements() {
    let styles = ".a{color:red;margin:0;padding:0}.b{display:block;width:1px}".repeat(20);
    assert_eq!(type_of(styles.as_bytes()), "text/css");
}

#[test]
fn settings_with_comments_are_no_markdown_and_calls_no_settings() {
    let settings = "## A comment that says what is meant.\n## It goes on.\n\n[a]\nb = c\n\n## More.\n[d]\ne = INFO\n";
    assert_eq!(type_of(settings.as_bytes()), "text/plain");
    let stub = "import a\n\nif b:\n    from c import (\n        D,\n    )\n    E = F(\"E\")\n    G = F(\"G\")\n    class H(I):\n        j: K\n        l: M\n        n: O\n        p: Q\n";
    assert_ne!(type_of(stub.as_bytes()), "application/yaml");
}

#[test]
fn a_last_line_that_was_cut_off_makes_no_settings_wrong() {
    let whole =
        "[a]\nb = \"c\"\nd = \"e\"\nf = \"g\"\nh = 1\n[i]\nj = \"k\"\nl = \"m\"\nn = \"o\"\n";
    assert_eq!(
        type_of(format!("{whole}chec").as_bytes()),
        "application/toml"
    );
}

#[test]
fn rarer_languages_need_what_only_they_have() {
    let cases = [
        (
            "       IDENTIFICATION DIVISION.\n       PROGRAM-ID. A.\n       PROCEDURE DIVISION.\n           STOP RUN.\n",
            "text/x-cobol",
        ),
        (
            "apply plugin: 'java'\n\ndependencies {\n    testCompile 'a:b:1'\n}\n",
            "text/x-groovy",
        ),
        (
            "namespace java a\n\nstruct B {\n  1: required i32 c\n}\n",
            "text/x-thrift",
        ),
        (
            "[<EntryPoint>]\nlet main argv =\n    printfn \"a\"\n    0\n",
            "text/x-fsharp",
        ),
        (
            "tell application \"Finder\"\n    activate\nend tell\n",
            "text/x-applescript",
        ),
        (
            "$a: 1px;\n.b {\n  @include c;\n  width: $a;\n}\n",
            "text/x-scss",
        ),
        ("@a: 1px;\n@b: 2px;\n.c { width: @a; }\n", "text/x-less"),
        (
            "<%\nOption Explicit\nDim a\na = Request.Form(\"b\")\n%>\n<html></html>\n",
            "text/asp",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(type_of(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn keys_of_pipelines_hold_colons_and_words_of_mail_are_no_message() {
    let pipeline = "image: \"a\"\n\nbuild:linux:\n    stage: build\n    script:\n        - make\n\ntest:linux:\n    stage: test\n";
    assert_eq!(type_of(pipeline.as_bytes()), "application/yaml");
    let words = "Abstract: a\nCc: b\nDate: c\nFrom: d\nTo: e\nOne: f\nTwo: g\nThree: h\nFour: i\nFive: j\nSix: k\nSeven: l\nEight: m\nNine: n\n";
    assert_ne!(type_of(words.as_bytes()), "message/rfc822");
}

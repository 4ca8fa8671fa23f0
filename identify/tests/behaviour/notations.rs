//! Notations that borrow from each other: documents, settings, scenes and vocabularies, each told by
//! what only it has.

use crate::fixtures::{named, type_of};

#[test]
fn lists_footnotes_and_sentences_called_markdown_are_markdown() {
    let texts = [
        "* one\n* two\n",
        "1. one\n2. two\n",
        "- [ ] buy bread\n- [x] sell cake\n",
        "Some text[^1] with a footnote.\n\n[^1]: The footnote.\n",
    ];
    for text in texts {
        assert_eq!(named(text.as_bytes(), "a.md").media_type, "text/markdown");
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
    }
    for text in ["- a = 1\n- b = 2\n", "* {x}\n* {y}\n", "+ 1;\n+ 2;\n"] {
        assert_eq!(named(text.as_bytes(), "a.md").media_type, "text/plain");
    }
}

#[test]
fn a_document_that_begins_with_quoted_code_is_not_that_code() {
    let entry = "@book{a,\n  title = {B},\n  year = 2000,\n}\n";
    let text = format!("```bibtex\n{entry}```\n\nAnd more of them.\n");
    assert_eq!(type_of(text.as_bytes()), "text/markdown");
    assert_eq!(type_of(entry.as_bytes()), "text/x-bibtex");
}

#[test]
fn settings_between_dashes_are_what_their_name_says() {
    let settings = b"---\ntitle: a\nother: b\n---\n";
    assert_eq!(named(settings, "a.yaml").media_type, "application/yaml");
    assert_eq!(named(settings, "a.md").media_type, "text/markdown");
    let page = b"---\ntitle: a\n---\n\nWords of a page.\n";
    assert_eq!(named(page, "a.yaml").media_type, "text/markdown");
}

#[test]
fn json_with_comments_or_last_commas_is_json() {
    let texts = [
        "{\n  // of the compiler\n  \"a\": { \"b\": true, },\n}\n",
        "{\n  \"a\": [1, 2], /* more */\n  \"b\": \"// no comment\"\n}\n",
    ];
    for text in texts {
        assert_eq!(type_of(text.as_bytes()), "application/json", "{text}");
    }
    for text in ["{ \"a\", \"b\", }", "{ a: 1, }", "{ /* nothing */ }"] {
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
    }
}

#[test]
fn linked_data_may_say_so_in_its_values_only() {
    let text = b"{\"http://example.org/name\": {\"@value\": \"a\"}}";
    assert_eq!(named(text, "a.jsonld").media_type, "application/ld+json");
    assert_eq!(
        named(b"{\"a\": 1}", "a.jsonld").media_type,
        "application/json"
    );
}

#[test]
fn a_scene_of_qml_is_no_style_sheet() {
    let scene =
        b"import QtQuick 2.10\nRectangle {\n  width: 400; height: 200\n  color: \"red\"\n}\n";
    assert_eq!(type_of(scene), "text/x-qml");
    let sheet = b"rectangle {\n  width: 400px; height: 200px;\n  color: red;\n}\n";
    assert_eq!(type_of(sheet), "text/css");
}

#[test]
fn headings_and_links_of_a_wiki_are_not_those_of_org() {
    let wiki = "= Title\n* one\n** two\n[[http://a.example|a]]\n[[http://b.example|b]]\n";
    assert_eq!(type_of(wiki.as_bytes()), "text/plain");
    let org = "* One\n** Two\n[[http://a.example][a]]\n[[http://b.example]]\n";
    assert_eq!(type_of(org.as_bytes()), "text/x-org");
}

#[test]
fn a_vocabulary_that_borrows_a_name_of_html_is_xml() {
    let texts = [
        "<main><charentity><begin>a</begin></charentity></main>\n",
        "<title><volume>1</volume><chapters>2</chapters></title>\n",
        "<main>\n<charentity>\n<begin>a</begin>\n<document>\n<style",
        "<!DOCTYPE a [<!ENTITY b 'c'>]>\n<a>&b;</a>\n",
    ];
    for text in texts {
        assert_eq!(type_of(text.as_bytes()), "application/xml", "{text}");
    }
    let pages = [
        "<main><h1>A</h1><my-own>b</my-own></main>\n",
        "<section><header>A</header><p>B</p></section>\n",
        "<body><blink>a</blink><b>c</b></body>\n",
        "<title>A</title>\n<volume>1</volume>\n",
    ];
    for text in pages {
        assert_eq!(type_of(text.as_bytes()), "text/html", "{text}");
    }
}

#[test]
fn a_drawing_of_iges_begins_with_a_start_section() {
    let line = |text: &str, section: &str| format!("{text:<72}{section}\n");
    let drawing = [
        line("Whatever somebody wrote.", "S      1"),
        line("1H,,1H;,4HCube,8HCube.igs;", "G      1"),
        line("     108       1       0", "D      1"),
    ]
    .concat();
    assert_eq!(type_of(drawing.as_bytes()), "model/iges");
}

#[test]
fn an_interpreter_of_javascript_is_one() {
    for program in ["gjs", "env gjs", "rhino"] {
        let script = format!("#!/usr/bin/{program}\nprint(1);\n");
        assert_eq!(type_of(script.as_bytes()), "text/javascript");
    }
}

#[test]
fn a_short_script_that_only_imports_or_prints_is_what_its_name_says() {
    for text in [
        "import os\n",
        "import a.b as c, d\nprint \"e f\"\n",
        "print 'hello'\n",
    ] {
        assert_eq!(named(text.as_bytes(), "a.py").media_type, "text/x-python");
        assert_eq!(type_of(text.as_bytes()), "text/plain");
    }
    for text in ["import duties rise again\n", "print \"it\" and be glad\n"] {
        assert_eq!(named(text.as_bytes(), "a.py").media_type, "text/plain");
    }
}

#[test]
fn a_page_of_a_server_may_begin_with_a_comment() {
    let page = b"<!-- example -->\n<% @Page Language=\"C#\" %>\n<p>a</p>\n";
    assert_eq!(named(page, "a.aspx").media_type, "text/asp");
    assert_ne!(named(page, "a.txt").media_type, "text/asp");
}

#[test]
fn a_program_is_not_the_language_that_its_texts_hold() {
    let sheet = ".a {\n  color: red;\n  margin: 0 auto;\n  padding: 1px;\n}\n.b {\n  background: blue;\n  border: none;\n}\n";
    let program = format!(
        "module Styles\n  class Alpha < Style\n    register_for :alpha\n    MAIN = <<-MAIN\n{sheet}    MAIN\n  end\nend\n"
    );
    assert_eq!(named(program.as_bytes(), "a.rb").media_type, "text/x-ruby");
    assert_eq!(named(sheet.as_bytes(), "a.rb").media_type, "text/css");
}

#[test]
fn quoted_mail_and_sessions_are_no_sequences() {
    for text in [
        "> we should meet\n> at noon today\n",
        ">>> import os\n>>> os.getcwd()\n",
    ] {
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
    }
    let sequence = b">one two\nACGTACGTACGT\nACGT\n";
    assert_eq!(type_of(sequence), "chemical/seq-aa-fasta");
}

#[test]
fn short_scripts_of_matrices_are_what_their_name_says() {
    for text in [
        "x = linspace(0, 1);\nplot(x, sin(x));\n",
        "% comment\na = [1 2; 3 4];\ndisp(a)\n",
        "function y = f(x)\ny = x;\nend\n",
    ] {
        assert_eq!(named(text.as_bytes(), "a.m").media_type, "text/x-matlab");
        let unnamed = type_of(text.as_bytes());
        assert!(
            ["text/plain", "text/x-matlab"].contains(&unnamed),
            "{unnamed}: {text}"
        );
    }
}

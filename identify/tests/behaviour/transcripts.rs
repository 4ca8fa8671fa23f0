//! What programs print quotes code and has columns, but is plain text; and what looks like it.

use crate::fixtures::{named, type_of};

const TRACE: &str = "Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n    import b\n  File \"b.py\", line 2, in c\n    raise ValueError(\"d\")\nValueError: d\n";
const DUMP: &str = "00000000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|\n00000010  03 00 3e 00 01 00 00 00  40 10 00 00 00 00 00 00  |..>.....@.......|\n00000020\n";
const MESSAGES: &str = "error[E0277]: the trait bound `A: B` is not satisfied\n --> src/main.rs:3:5\n  |\n3 |     use std::io;\n  |     ^^^^^^^ the trait `B` is not implemented for `A`\n\nerror: aborting due to 1 previous error\n";
const COMPILER: &str = "a.cpp:3:1: error: expected ';' before 'std'\n    3 | std::cout << a;\n      | ^~~\n#include <vector>\nstd::vector<int> a;\n";
const LOG: &str = "2026-01-02 03:04:05,123 INFO  [main] com.acme.App - import started\n2026-01-02 03:04:06,001 WARN  [main] com.acme.Db - select * from a where b = 3\n2026-01-02 03:04:07,001 ERROR [main] com.acme.Db - failed\n";

#[test]
fn what_programs_print_is_plain_text_whatever_it_quotes() {
    for text in [TRACE, DUMP, MESSAGES, COMPILER, LOG] {
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
        for name in ["a.py", "a.js", "a.csv", "a.md", "a.yaml", "a.cpp", "a.rs"] {
            let found = named(text.as_bytes(), name);
            assert_eq!(found.media_type, "text/plain", "{name}: {text}");
        }
    }
}

#[test]
fn times_and_offsets_make_no_table_a_log() {
    let times =
        "2026-01-02 03:04:05,a b,1.5\n2026-01-02 03:04:06,c d,2.5\n2026-01-02 03:04:07,e f,3.5\n";
    assert_eq!(type_of(times.as_bytes()), "text/csv");
    let numbers = "100000\t12\t34\n100016\t56\t78\n100032\t90\t12\n";
    assert_eq!(type_of(numbers.as_bytes()), "text/tab-separated-values");
}

#[test]
fn languages_that_borrow_words_are_none_of_the_lenders() {
    let vim = "let s:a = 1\nif exists('b')\n  set ab=c\nendif\nlet g:d = expand('%1')\nlet &e = 1\nset f=g\n";
    let macros = "dnl A macro.\nAC_DEFUN([A], [\nif test \"$b\" = yes; then\n  echo $c\nfi\n])\ndnl The end.\n";
    let release = "a (1:2.3-1) unstable; urgency=medium\n\n  * Namespace of b (1:2.3) moved.\n  * End of c (1: d).\n\n -- A B <a@b.example>  Fri, 02 Jan 2026 03:04:05 +0000\n";
    for text in [vim, macros, release] {
        assert_eq!(type_of(text.as_bytes()), "text/plain", "{text}");
    }
}

#[test]
fn documentation_and_templates_within_code_are_not_judged() {
    let documented = "# A module.\n\"\"\"\nTitle\n=====\n\n.. a:: b\n\n.. c:: d\n\nUse ``e`` and ``f``.\n\"\"\"\n\nimport os\n\n\ndef g(h):\n    return os.path.join(h)\n";
    assert_eq!(type_of(documented.as_bytes()), "text/x-python");
    let quoting = "import os\n\ntext = \"\"\"use std::str;\n\n#[derive(Clone, Copy)]\npub struct A(u8);\n\nimpl A {\n    pub fn b(&self) -> u8 {\n        self.0\n    }\n}\n\"\"\"\n\n\ndef main():\n    for line in open(os.devnull):\n        print(line)\n\n\nif __name__ == \"__main__\":\n    main()\n";
    assert_eq!(type_of(quoting.as_bytes()), "text/x-python");
}

#[test]
fn a_document_about_code_is_not_code() {
    let notes = "Notes on the build\n\nNote:\n\tThe package needs a compiler that knows the standard.\n\nall:\n\tThe usual target, which builds everything, $(pwd) included.\n\nThe template of a class is in the header, and so is std::vector.\nTo use it, write\n\n#include <vector>\nstd::vector<int> a;\n\nThen the namespace has to be opened in every file of the program.\nIt is not needed for files that only call what others declared.\n";
    assert_eq!(type_of(notes.as_bytes()), "text/plain");
    let modules = "@include common-auth\nauth optional pam_group.so\n@include common-account\n@include common-session\n";
    assert_eq!(type_of(modules.as_bytes()), "text/plain");
    let users = "root:x:0:\ndaemon:x:1:\nbin:x:2:\nadm:x:4:\nsys:x:3:\n";
    assert_eq!(type_of(users.as_bytes()), "text/plain");
}

#[test]
fn a_style_sheet_needs_no_more_than_a_rule() {
    for sheet in [
        "body { color: red; }\n.a > b { margin: 0 }\n",
        "/* A. */\n@media print {\n  a[href^=\"x;y\"]:hover { display: none }\n}\n",
    ] {
        assert_eq!(type_of(sheet.as_bytes()), "text/css", "{sheet}");
    }
    let query = "type A {\n  color: B\n  c: D\n}\n";
    let server = "server {\n  listen 80;\n  location / { root /a; }\n}\n";
    for other in [query, server] {
        assert_ne!(type_of(other.as_bytes()), "text/css", "{other}");
    }
}

#[test]
fn marks_of_comments_are_no_headings() {
    let sources = "## Packages\ndeb http://a.example/debian a main\ndeb-src http://a.example/debian a main\n\n## Updates of `a`\n## and of others\ndeb http://a.example/debian b main\n";
    assert_eq!(type_of(sources.as_bytes()), "text/plain");
    let page = "<h1 align=\"center\">A</h1>\n\n<p>Words.</p>\n\n## Parts\n\n- one\n- two\n";
    assert_eq!(type_of(page.as_bytes()), "text/markdown");
    let table = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n";
    assert_ne!(type_of(table.as_bytes()), "text/csv");
}

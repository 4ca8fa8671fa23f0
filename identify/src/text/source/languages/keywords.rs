//! Words that statements of a language begin with or hold. They are too common to tell a language
//! by; a name that claims one needs some of its words.

/// A language, what its statements begin with, and what they hold, separated by bars.
struct Words(&'static str, &'static str, &'static str);

const WORDS: &[Words] = &[
    Words(
        "text/x-scss",
        "$|@mixin|@include|@use|@import|@extend|@forward|@function|&:|&.|@media|.|#|:root|%",
        "{",
    ),
    Words("text/x-less", "@|.|#|&:|&.", "{|;"),
    Words("text/x-sass", "$|=|+|@|&|.|#|:", ": "),
    Words(
        "text/jsx",
        "import |export |const |function |return |class |<",
        "/>|</|=>",
    ),
    Words(
        "text/x-vbdotnet",
        "Imports |Module |Public |Private |Dim |Sub |Function |End |Class |Namespace ",
        "",
    ),
    Words(
        "text/x-awk",
        "BEGIN|END|/|function |$0|$1|$2|$3|$N|{|NR|NF|!seen",
        "print|$0|$1|{",
    ),
    Words(
        "text/x-groovy",
        "def |import |class |package |apply plugin|plugins {|dependencies {|task |pipeline|stage(|@Grab|println|buildscript|repositories {|id '|implementation|compile",
        " -> |['",
    ),
    Words(
        "text/x-elixir",
        "defmodule |def |defp |use |import |alias |@moduledoc|@doc|config |test \"|IO.|require ",
        " do|%{|:: ",
    ),
    Words("text/x-emacs-lisp", "(|;", ""),
    Words(
        "text/x-ocaml",
        "let |open |module |type |val |(*|match |external |exception |include |class ",
        "",
    ),
    Words(
        "text/x-fsharp",
        "let |open |module |type |namespace |member |match |#r |#load |printfn",
        "",
    ),
    Words(
        "text/x-cobol",
        "IDENTIFICATION|PROCEDURE|DATA DIVISION|ENVIRONMENT|WORKING-STORAGE|PROGRAM-ID|MOVE |DISPLAY |PERFORM |identification|procedure|program-id|working-storage|display |move ",
        " DIVISION|PIC ",
    ),
    Words(
        "text/x-ada",
        "with |use |package |procedure |function |begin|end |type |pragma |private",
        "",
    ),
    Words(
        "text/x-d",
        "import |module |void |int |class |struct |auto |string |unittest|version(|@safe|alias |enum |writeln",
        "",
    ),
    Words(
        "text/x-nim",
        "proc |import |var |let |const |type|template |macro |echo |func |method |iterator |when |from ",
        "",
    ),
    Words(
        "text/x-zig",
        "const |pub |fn |test \"|var |export fn|usingnamespace|return ",
        "",
    ),
    Words(
        "text/x-crystal",
        "require \"|def |class |module |struct |puts |end|macro |describe |lib |property |getter ",
        "",
    ),
    Words(
        "text/x-julia",
        "using |import |function |module |struct |mutable struct|end|println|const |export |macro |abstract type|include(|julia> ",
        "",
    ),
    Words(
        "text/x-systemverilog",
        "module |endmodule|class |interface |package |import |always|logic |`include|`define|`ifndef|initial|input |output |typedef |covergroup|property |program ",
        "",
    ),
    Words(
        "text/x-cmake",
        "cmake_minimum_required|project(|set(|SET(|add_|ADD_|find_|include(|if(|if (|endif|target_|install(|INSTALL(|function(|macro(|message(|option(|configure_file|list(|string(|foreach|endforeach|file(|get_|CMAKE_MINIMUM|PROJECT(",
        "",
    ),
    Words(
        "text/x-protobuf",
        "syntax |package |message |import \"|service |option |enum |rpc |optional |required |repeated |extend ",
        "",
    ),
    Words(
        "text/x-thrift",
        "namespace |struct |service |enum |include \"|exception |typedef |const |union ",
        "",
    ),
    Words(
        "application/graphql",
        "type |query |mutation |input |enum |interface |schema |fragment |subscription |scalar |directive |union |extend |{",
        "",
    ),
    Words("text/x-vue", "<template|<script|<style", ""),
    Words("text/x-svelte", "<script|<style|<svelte|{#|<", ""),
    Words("text/coffeescript", "", "->|=>|@"),
    Words("text/x-jsp", "<%|<jsp:|${", "<%|${"),
    Words("text/asp", "<%|<asp:", "<%"),
    Words("text/x-coldfusion", "<cf|component |<CF", "<cf|<CF"),
    Words("text/x-haml", "%|!!!|.|#|-|=", ""),
    Words("text/x-twig", "{%|{{|{#", "{%|{{"),
    Words(
        "text/x-actionscript",
        "package |import |public |private |class |var |function |trace(",
        "",
    ),
    Words(
        "text/x-applescript",
        "tell |end tell|set |on |display |property |if |repeat|activate|return |end ",
        "",
    ),
    Words("text/x-prolog", ":- |%", ":-|).|!."),
    Words(
        "text/x-smalltalk",
        "!|^",
        " subclass: |:= |ifTrue: |<primitive|! !",
    ),
    Words("text/x-sed", "s/|s,|s#|s@|/|$!|$d|y/|:a|1d|1i|1s", ""),
    Words(
        "text/x-glsl",
        "#version|uniform |attribute |varying |in |out |layout|void main|precision |vec|#ifdef|gl_|float |const |struct ",
        "gl_",
    ),
    Words(
        "text/x-solidity",
        "pragma solidity|contract |library |interface |import |function |mapping|event |modifier |abstract contract",
        "",
    ),
    Words(
        "text/x-hcl",
        "resource |variable |provider |module |output |data |terraform |locals |job |path |service |listener |storage |source |build ",
        " = \"|{",
    ),
    Words(
        "text/x-nix",
        "{|with |let|in|inherit |rec |import |stdenv|pkgs",
        ";|: ",
    ),
    Words(
        "text/x-autohotkey",
        "#|::|Run|Send|MsgBox|IfWin|SetTimer|Gui|Loop|return|Hotkey|SetTitle|CoordMode",
        "::|:=",
    ),
    Words(
        "text/x-sas",
        "data |DATA |proc |PROC |%macro|%let|libname |run;|RUN;|options |set |quit;|%include",
        "",
    ),
    Words(
        "text/x-java",
        "package |import |class |public |private |protected |interface |enum |void |static |final |module |requires |exports |@|record |abstract |return |int |String ",
        "",
    ),
    Words(
        "text/x-scala",
        "package |import |object |class |val |var |def |trait |case |type |implicit |given |extends |sealed |final |lazy |new |@",
        " => |: ",
    ),
    Words(
        "text/x-ruby",
        "def |class |module |require|puts |p |end|if |unless |attr_|include |it |describe |task |gem |source |x |print ",
        " do|#{|.each|=> | =~ |;",
    ),
    Words(
        "text/x-c++",
        "#include|#define|#if|#pragma|namespace |class |template|using |struct |int |void |auto |std::|extern |static |return |enum |const |public:|typedef ",
        "::",
    ),
    Words(
        "text/x-c",
        "#include|#define|#if|#pragma|struct |int |void |char |static |extern |typedef |unsigned |long |double |float |enum |return |const |union ",
        "",
    ),
    Words(
        "text/x-csharp",
        "using |namespace |class |public |private |internal |static |var |void |[|interface |enum |struct |return |Console.",
        "",
    ),
    Words(
        "text/x-perl",
        "use |my |sub |print |package |foreach |our |return |$|@|%|=|local |require |while (|if (|for ",
        " =~ |->|qw(",
    ),
    Words(
        "text/x-kotlin",
        "fun |val |var |import |package |class |object |data class|interface |println(|when |if (|return |enum class",
        "",
    ),
    Words(
        "text/x-swift",
        "import |let |var |func |class |struct |print(|enum |extension |protocol |guard |if |for |return |@|public ",
        "",
    ),
    Words(
        "text/x-haskell",
        "module |import |main |data |type |newtype |instance |class |where|let |infix|{-",
        " :: | <- | -> | = ",
    ),
    Words("text/x-clojure", "(", ""),
    Words("text/x-common-lisp", "(", ""),
    Words("text/x-scheme", "(|#!|#lang", ""),
    Words(
        "text/x-pascal",
        "program |unit |uses |var|begin|procedure |function |type|const|end|{|writeln|interface|(*",
        " := ",
    ),
    Words(
        "text/x-fortran",
        "program |subroutine |function |integer|real|implicit|module |use |end|call |do |print |write|PROGRAM|SUBROUTINE|FUNCTION|INTEGER|REAL|IMPLICIT|END|CALL|DO |PRINT|WRITE|C |!|type|contains|if ",
        "",
    ),
    Words(
        "text/x-erlang",
        "-module|-export|-include|-define|-record|-spec|-type|%",
        " ->|).|,",
    ),
    Words(
        "text/x-lua",
        "local |function |return |if |for |end|print|require|--|while ",
        " = | then| .. ",
    ),
    Words(
        "text/x-r",
        "library(|require(|function|source(|print(|plot(|data|if |for ",
        " <- |<-",
    ),
    Words(
        "text/x-tcl",
        "set |proc |puts |package |if {|foreach |namespace |source |while {|return |}|lappend ",
        "[",
    ),
    Words(
        "text/x-matlab",
        "function|%|end|for |if |x |y |A |plot|disp|clear|clc|figure|while |fprintf",
        " = |;",
    ),
    Words(
        "text/x-asm",
        "section|global|mov|.|_|push|pop|call|jmp|int |db |org |bits |BITS|segment|SECTION|GLOBAL|extern|EXTERN|ret|lea|add |sub |xor|%|;|ld|st|b |v|#",
        ":",
    ),
    Words(
        "text/x-verilog",
        "module |endmodule|input |output |wire |reg |assign |always|initial|begin|end|parameter |`",
        "",
    ),
    Words(
        "text/x-vhdl",
        "library |use |entity |architecture |end|begin|port|signal |process|LIBRARY|USE|ENTITY|ARCHITECTURE|END|BEGIN|SIGNAL|component |package ",
        " <= | : in | : out ",
    ),
    Words(
        "text/css",
        ".|#|@|*|body|a|h|p|div|:root|}|html|table|ul|li|button|input|span|img|/*",
        "{|: ",
    ),
    Words(
        "application/sql",
        "select|SELECT|insert|INSERT|create|CREATE|update|UPDATE|delete|DELETE|drop|DROP|alter|ALTER|with |WITH |begin|BEGIN|from |FROM |where |WHERE |set |SET |use |USE |grant |GRANT |--|declare |DECLARE |exec|EXEC|commit|COMMIT|truncate|TRUNCATE|Select |Insert |Create |Update |explain |EXPLAIN |values|VALUES|copy |COPY |pragma |PRAGMA |call |CALL |merge |MERGE |show |SHOW |load |LOAD |replace |REPLACE ",
        "",
    ),
    Words(
        "text/x-makefile",
        "include |.|-include |export |ifeq|ifdef|ifndef|endif|define |all:|VPATH",
        " = | := | += | ?= |$(|:",
    ),
    Words("text/x-tex", "\\|%|{|}|$", "\\"),
    Words("text/x-bibtex", "@|}|%", " = |= {|={"),
    Words("text/troff", ".|'", ""),
    Words(
        "text/x-dart",
        "import |void |class |var |final |main(|library |part |const |abstract |@|return |enum |extension ",
        "",
    ),
    Words(
        "text/x-objective-c",
        "#import|#include|@|- (|+ (|-(|+(|typedef |int |static |#define|#pragma|//",
        "",
    ),
    Words(
        "text/vnd.graphviz",
        "graph|digraph|strict|subgraph|node|edge|rank|}",
        "->|--|=",
    ),
    Words(
        "text/x-shellscript",
        "if |for |while |case |echo |export |set |cd |source |. |function |alias |sudo |exec |exit|test |[|local |return |eval |unset |mkdir |rm |cp |mv |cat |git |npm |cargo |make|docker |python|pip |apt|curl |wget |setenv |#",
        "$|`| && | -|=|() ",
    ),
    Words(
        "text/x-msdos-batch",
        "@|echo |ECHO |set |SET |if |IF |rem |REM |::|:|call |CALL |goto |GOTO |cd |copy |del |start |pause|exit|for |FOR |md |mkdir |title |python |cmd |%|setlocal|net |reg |ping |\"",
        "%",
    ),
    Words(
        "application/x-powershell",
        "$|function |param|Write-|Get-|Set-|New-|Import-|[|if |if(|foreach|try|#|Add-|Invoke-|Remove-|Start-|return |using |&",
        "$",
    ),
    Words(
        "text/x-vbscript",
        "Dim |Set |Sub |Function |If |End |MsgBox |WScript.|Wscript.|Option |On Error|Const |For |Do|Loop|'|Call |dim |set |sub |if |msgbox |function |Private |Public |Class |Next|Else",
        "",
    ),
    Words(
        "application/x-gnuplot",
        "set |plot |splot |unset |reset",
        "",
    ),
];

/// How much of a language's words lines of code show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::text::source) enum Shown {
    Nothing,
    /// In the first line, or in one of six.
    Some,
    /// In one of three lines.
    Much,
}

/// How much the lines show of the language; nothing of one that isn't told of here.
pub(in crate::text::source) fn shown(media_type: &str, lines: &[&str]) -> Shown {
    shown_beside(media_type, "", lines)
}

/// Whether words of the language are told here.
pub(in crate::text::source) fn are_told(media_type: &str) -> bool {
    of(media_type).is_some()
}

fn of(media_type: &str) -> Option<&'static Words> {
    WORDS.iter().find(|words| words.0 == media_type)
}

/// The same by words that another language, of which the lines may be as well, has not.
pub(in crate::text::source) fn shown_beside(
    media_type: &str,
    other: &str,
    lines: &[&str],
) -> Shown {
    let Some(words) = of(media_type) else {
        return Shown::Nothing;
    };
    let others = of(other).map_or(Vec::new(), |other| split(other.1));
    let starts: Vec<&str> = split(words.1)
        .into_iter()
        .filter(|word| {
            !others
                .iter()
                .any(|other| word.starts_with(other) || other.starts_with(word))
        })
        .collect();
    // What statements hold is in those of many languages.
    let holds = if other.is_empty() {
        split(words.2)
    } else {
        Vec::new()
    };
    let hits = |line: &&&str| {
        !is_sentence(line)
            && (starts.iter().any(|word| line.starts_with(word))
                || holds.iter().any(|word| line.contains(word)))
    };
    let count = lines.iter().filter(hits).count();
    match count {
        0 => Shown::Nothing,
        count if count * 3 >= lines.len() => Shown::Much,
        count if count * 6 >= lines.len() || lines.first().is_some_and(|line| hits(&line)) => {
            Shown::Some
        }
        _ => Shown::Nothing,
    }
}

/// Five words and more without a mark that code has.
fn is_sentence(line: &str) -> bool {
    let marks = [
        '(', '=', '{', '}', '<', '>', '$', ';', '\\', '[', '"', '\'', '@', '*', '%', '#', '/', '&',
    ];
    line.split(' ').count() >= 5 && !line.contains(marks)
}

fn split(words: &'static str) -> Vec<&'static str> {
    words.split('|').filter(|word| !word.is_empty()).collect()
}

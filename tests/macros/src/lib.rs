//! Attributes that run a test once for each mode of the service, or for each database.
//!
//! The function stays as it is written. Beside it comes a module of its name, with a test for
//! each case that calls it: `name::embedded`, `name::postgres`.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// Runs `async fn name(mode: Mode)` as `name::embedded` and as `name::distributed`.
#[proc_macro_attribute]
pub fn in_both_modes(_: TokenStream, function: TokenStream) -> TokenStream {
    for_each_case(
        function,
        r#"#[tokio::test(flavor = "multi_thread", worker_threads = 2)]"#,
        &[
            ("embedded", "::tests::app::Mode::Embedded"),
            ("distributed", "::tests::app::Mode::Distributed"),
        ],
    )
}

/// Runs `async fn name(db: &Database)` as `name::sqlite` and as `name::postgres`, each on an empty
/// database of its own.
#[proc_macro_attribute]
pub fn on_each_database(_: TokenStream, function: TokenStream) -> TokenStream {
    for_each_case(
        function,
        "#[tokio::test]",
        &[
            (
                "sqlite",
                "&::tests::databases::TestDatabase::sqlite().await.db",
            ),
            (
                "postgres",
                "&::tests::databases::TestDatabase::postgres().await.db",
            ),
        ],
    )
}

/// The function, and a module with a test for each case: its name, and what the function is given.
fn for_each_case(function: TokenStream, test: &str, cases: &[(&str, &str)]) -> TokenStream {
    let Some((ignored, function, name)) = take_apart(function) else {
        let error = r#"compile_error!("expected `async fn name(case: Case) { … }`");"#;
        return parse(error);
    };
    let tests: Vec<_> = cases
        .iter()
        .map(|(case, argument)| {
            let body = format!("super::{name}({argument}).await;");
            format!("{ignored} {test} async fn {case}() {{ {body} }}")
        })
        .collect();
    let module = parse(&format!("mod {name} {{ {} }}", tests.join(" ")));
    function.into_iter().chain(module).collect()
}

/// A function's `#[ignore]`, which is for its tests, what else there is of it, and its name.
fn take_apart(function: TokenStream) -> Option<(TokenStream, TokenStream, String)> {
    let tokens: Vec<_> = function.into_iter().collect();
    let at = tokens.iter().position(|token| is_word(token, "fn"))?;
    let name = tokens.get(at + 1)?.to_string();
    let (mut ignored, mut rest) = (Vec::new(), Vec::new());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match tokens.next_if(|next| is_mark(&token) && is_ignore(next)) {
            Some(attribute) => ignored.extend([token, attribute]),
            None => rest.push(token),
        }
    }
    let [ignored, rest] = [ignored, rest].map(|tokens| tokens.into_iter().collect());
    Some((ignored, rest, name))
}

fn is_mark(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == '#')
}

fn is_ignore(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket && first.is_some_and(|word| is_word(&word, "ignore"))
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}

fn parse(source: &str) -> TokenStream {
    source.parse().expect("the source above is tokens")
}

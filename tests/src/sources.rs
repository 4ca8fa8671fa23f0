//! Dependencies between the files of a crate, read from their tokens, so that comments and strings
//! don't count.
//!
//! A re-exported name (`pub use`) belongs to the file that defines it, and a re-export is no
//! dependency. Method calls and the output of macros aren't seen. Items under `#[cfg(test)]` are
//! ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The path of a module, from the crate's root.
type Module = Vec<String>;

/// Dependencies between files, as module paths such as `change::edit`.
pub type Arrows = BTreeSet<(String, String)>;

/// The modules of a crate, and the content of each.
pub struct Sources {
    modules: BTreeMap<Module, Names>,
}

/// The content of a module.
#[derive(Default)]
struct Names {
    /// The path of its file, as a module.
    file: Module,
    /// The imports of `use`, by their names here.
    used: BTreeMap<String, Vec<String>>,
    /// The paths that make dependencies.
    paths: Vec<Vec<String>>,
    /// Whether it defines an item, beside re-exports.
    defines: bool,
}

/// A child module.
struct Inner {
    name: String,
    /// `None` if it has its own file.
    body: Option<TokenStream>,
}

impl Sources {
    /// Reads the crate whose root, `lib.rs` or `main.rs`, is in `folder`.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let mut sources = Self {
            modules: BTreeMap::new(),
        };
        let roots = ["lib.rs", "main.rs"].map(|name| folder.join(name));
        let root = roots.iter().find(|root| root.exists()).expect("a root");
        sources.read_file(root, folder, &Vec::new());
        sources
    }

    fn read_file(&mut self, path: &Path, children: &Path, module: &Module) {
        let text = std::fs::read_to_string(path).expect("a source");
        let tokens = text.parse().expect("tokens");
        self.read_module(tokens, children, module, module);
    }

    fn read_module(
        &mut self,
        tokens: TokenStream,
        children: &Path,
        module: &Module,
        file: &Module,
    ) {
        let names = self.modules.entry(module.clone()).or_default();
        names.file.clone_from(file);
        for inner in names.read(&Vec::from_iter(tokens)) {
            let inside = child(module, &inner.name);
            let folder = children.join(&inner.name);
            if let Some(body) = inner.body {
                self.read_module(body, &folder, &inside, file);
                continue;
            }
            let alone = children.join(format!("{}.rs", inner.name));
            if alone.exists() {
                self.read_file(&alone, &folder, &inside);
            } else {
                self.read_file(&folder.join("mod.rs"), &folder, &inside);
            }
        }
    }

    /// The file that defines the first name of a path that isn't a module; `None` if it is another
    /// crate's.
    fn resolve(&self, from: &Module, path: &[String]) -> Option<&Module> {
        let (first, mut rest) = path.split_first()?;
        let mut at = from.clone();
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => drop(at.pop()),
            name if self.modules.contains_key(&child(&at, name)) => at.push(name.to_owned()),
            name => return self.resolve_used(&at, name, rest),
        }
        while let Some((name, further)) = rest.split_first() {
            if name == "super" {
                at.pop();
            } else if self.modules.contains_key(&child(&at, name)) {
                at.push(name.clone());
            } else if self.modules[&at].used.contains_key(name) {
                return self.resolve_used(&at, name, further);
            } else {
                break;
            }
            rest = further;
        }
        Some(&self.modules[&at].file)
    }

    fn resolve_used(&self, at: &Module, name: &str, rest: &[String]) -> Option<&Module> {
        let used = self.modules[at].used.get(name)?;
        // A crate is imported by its own name, or renamed.
        let is_of_crate = used[0] == name;
        let full: Vec<_> = used.iter().chain(rest).cloned().collect();
        if is_of_crate {
            return None;
        }
        self.resolve(at, &full)
    }

    /// The dependencies between files.
    #[must_use]
    pub fn arrows(&self) -> Arrows {
        let mut arrows = BTreeSet::new();
        for (module, names) in &self.modules {
            let named = names
                .paths
                .iter()
                .filter_map(|path| self.resolve(module, path));
            let others = named.filter(|to| **to != names.file);
            arrows.extend(others.map(|to| (names.file.join("::"), to.join("::"))));
        }
        arrows
    }

    /// The folders whose `mod.rs`, or the root, defines an item: it should be a table of contents.
    #[must_use]
    pub fn tables_that_define(&self) -> BTreeSet<String> {
        let has_files = |module: &Module| {
            let inside = |other: &Module| other.len() > module.len() && other.starts_with(module);
            let mut others = self.modules.iter();
            others.any(|(other, names)| names.file == *other && inside(other))
        };
        let defining = self
            .modules
            .iter()
            .filter(|(module, names)| names.defines && names.file == **module && has_files(module));
        defining.map(|(module, _)| module.join("::")).collect()
    }
}

/// The files that depend on themselves, by cycle.
#[must_use]
pub fn circles(arrows: &Arrows) -> Vec<BTreeSet<String>> {
    let reached = |from: &str| {
        let mut found = BTreeSet::new();
        let mut next = vec![from.to_owned()];
        while let Some(file) = next.pop() {
            for (_, to) in arrows.iter().filter(|(who, _)| *who == file) {
                if found.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        found
    };
    let files: BTreeSet<_> = arrows.iter().map(|(from, _)| from).collect();
    let reach: BTreeMap<_, _> = files.iter().map(|file| (*file, reached(file))).collect();
    let circle_of = |file: &String| {
        let both = |other: &&String| reach.get(other).is_some_and(|back| back.contains(file));
        reach[file].iter().filter(both).cloned().collect()
    };
    let in_circles = files.iter().filter(|file| reach[*file].contains(**file));
    let circles: BTreeSet<BTreeSet<_>> = in_circles.map(|file| circle_of(file)).collect();
    circles.into_iter().collect()
}

impl Names {
    /// Reads the items of a module, and returns its child modules.
    fn read(&mut self, tokens: &[TokenTree]) -> Vec<Inner> {
        let mut inner = Vec::new();
        let mut is_handed_on = false;
        let mut at = 0;
        while at < tokens.len() {
            if is_punct(tokens.get(at), '#') {
                at = behind_attribute(tokens, at);
                continue;
            }
            let end = end_of_item(tokens, at);
            match word(tokens.get(at)).as_deref() {
                Some("pub") => {
                    is_handed_on = true;
                    at += 1 + usize::from(is_group(tokens.get(at + 1), Delimiter::Parenthesis));
                    continue;
                }
                Some("mod") => inner.push(Inner {
                    name: word(tokens.get(at + 1)).expect("a module's name"),
                    body: match tokens.get(at + 2) {
                        Some(TokenTree::Group(group)) => Some(group.stream()),
                        _ => None,
                    },
                }),
                Some("use") => self.read_use(&tokens[at + 1..end - 1], &[], is_handed_on),
                _ => {
                    self.defines = true;
                    self.read_paths(&tokens[at..end]);
                }
            }
            is_handed_on = false;
            at = end;
        }
        inner
    }

    /// One tree of a `use`, after `prefix`.
    fn read_use(&mut self, tokens: &[TokenTree], prefix: &[String], is_handed_on: bool) {
        let mut path = prefix.to_vec();
        let mut alias = None;
        let mut tokens = tokens.iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => {
                    let inner = Vec::from_iter(group.stream());
                    let parts = inner.split(|token| is_punct(Some(token), ','));
                    for part in parts.filter(|part| !part.is_empty()) {
                        self.read_use(part, &path, is_handed_on);
                    }
                    return;
                }
                TokenTree::Ident(ident) if ident == "as" => alias = word(tokens.next()),
                TokenTree::Ident(ident) if ident == "self" && !path.is_empty() => {}
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        let Some(name) = alias.or_else(|| path.last().cloned()) else {
            return;
        };
        if !is_handed_on {
            self.paths.push(path.clone());
        }
        self.used.insert(name, path);
    }

    /// The paths of at least two names, at any depth.
    fn read_paths(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.read_paths(&Vec::from_iter(group.stream())),
                TokenTree::Ident(ident) if ident == "use" => {
                    let end = end_of_item(tokens, at);
                    self.read_use(&tokens[at + 1..end - 1], &[], false);
                    at = end;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    let mut path = vec![ident.to_string()];
                    while is_separator(&tokens[at + 1..])
                        && let Some(name) = word(tokens.get(at + 3))
                    {
                        path.push(name);
                        at += 3;
                    }
                    if path.len() > 1 {
                        self.paths.push(path);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }
}

fn child(module: &Module, name: &str) -> Module {
    let mut child = module.clone();
    child.push(name.to_owned());
    child
}

fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_group(token: Option<&TokenTree>, wanted: Delimiter) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == wanted)
}

/// Whether it starts with `::`.
fn is_separator(tokens: &[TokenTree]) -> bool {
    matches!(tokens.first(), Some(TokenTree::Punct(first))
        if first.as_char() == ':' && first.spacing() == Spacing::Joint)
        && is_punct(tokens.get(1), ':')
}

/// The position after the attribute at `at`, and after its item if that is for tests.
fn behind_attribute(tokens: &[TokenTree], at: usize) -> usize {
    let group = at + 1 + usize::from(is_punct(tokens.get(at + 1), '!'));
    let said = tokens.get(group).map(ToString::to_string);
    let is_for_tests = said.is_some_and(|said| said.replace(' ', "") == "[cfg(test)]");
    if is_for_tests {
        end_of_item(tokens, group + 1)
    } else {
        group + 1
    }
}

/// The position after the item at `at`: after its `;` or its body.
fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let is_use = word(tokens.get(at)).is_some_and(|word| word == "use");
    let ends = |token: &TokenTree| {
        is_punct(Some(token), ';') || (is_group(Some(token), Delimiter::Brace) && !is_use)
    };
    let item = tokens[at..].iter().position(ends);
    item.map_or(tokens.len(), |length| at + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_of(files: &[(&str, &str)]) -> Sources {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Sources::read(folder.path())
    }

    #[test]
    fn a_name_that_is_handed_on_belongs_to_who_defines_it() {
        let sources = crate_of(&[
            (
                "lib.rs",
                "//! It.\nmod a;\nmod room;\npub use room::{Thing, make as build};",
            ),
            (
                "a.rs",
                "use std::fmt;\nfn f() -> fmt::Result { crate::build(); g::<crate::Thing>() }",
            ),
            (
                "room/mod.rs",
                "mod thing;\nmod make;\npub use thing::Thing;\npub use make::make;",
            ),
            ("room/thing.rs", "pub struct Thing;"),
            (
                "room/make.rs",
                "use super::Thing;\npub fn make() -> Thing { Thing }",
            ),
        ]);
        let arrow = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let expected = [
            arrow("a", "room::make"),
            arrow("a", "room::thing"),
            arrow("room::make", "room::thing"),
        ];
        assert_eq!(sources.arrows(), Arrows::from(expected));
        assert_eq!(circles(&sources.arrows()), Vec::<BTreeSet<_>>::new());
        assert_eq!(sources.tables_that_define(), BTreeSet::new());
    }

    #[test]
    fn a_circle_is_found_wherever_its_arrows_are_drawn() {
        let sources = crate_of(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;\nfn f() {}"),
            ("a.rs", "fn f() { let _ = [crate::b::g()]; }"),
            ("b.rs", "fn f() { use super::c; c::f() }"),
            (
                "c.rs",
                "// crate::b\nuse crate::{a::{self, x}};\n#[cfg(test)]\nmod tests { use super::*; }",
            ),
        ]);
        let expected: BTreeSet<_> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(circles(&sources.arrows()), [expected]);
        assert_eq!(
            sources.tables_that_define(),
            BTreeSet::from([String::new()])
        );
    }

    #[test]
    fn what_tests_alone_name_is_no_arrow() {
        let sources = crate_of(&[
            ("lib.rs", "mod a;\nmod b;"),
            ("a.rs", "use crate::b::f;"),
            (
                "b.rs",
                "pub fn f() {}\n#[cfg(test)]\nuse crate::a;\n#[cfg(test)]\nmod tests { fn f() { crate::a::g() } }",
            ),
        ]);
        assert_eq!(circles(&sources.arrows()), Vec::<BTreeSet<_>>::new());
    }
}

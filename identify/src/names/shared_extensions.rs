//! Extensions that mean more than one type: the types beside the one that the tables of
//! extensions give. A name that ends so claims any of them.

/// An extension and what else has it.
struct Shared {
    extension: &'static str,
    /// The other types, separated by blanks.
    types: &'static str,
    #[expect(dead_code, reason = "for those who read the table")]
    why: &'static str,
}

const SHARED: &[Shared] = &[
    Shared {
        extension: "ts",
        types: "video/mp2t text/vnd.qt.linguist",
        why: "MPEG transport streams, and translations of Qt, beside TypeScript",
    },
    Shared {
        extension: "mts",
        types: "application/typescript model/vnd.mts",
        why: "TypeScript modules, beside AVCHD; mime-db has a model too",
    },
    Shared {
        extension: "tsx",
        types: "application/xml",
        why: "tile sets of Tiled, beside TypeScript",
    },
    Shared {
        extension: "key",
        types: "application/x-pem-file application/pkcs8 application/pgp-keys",
        why: "private keys of servers, beside Keynote",
    },
    Shared {
        extension: "pub",
        types: "text/plain application/pgp-keys",
        why: "public keys of SSH and PGP, beside Publisher",
    },
    Shared {
        extension: "asc",
        types: "text/plain application/x-pem-file",
        why: "anything in ASCII armour, and AsciiDoc, beside PGP keys",
    },
    Shared {
        extension: "m",
        types: "text/x-matlab application/mathematica text/plain",
        why: "MATLAB, Octave and Mathematica, beside Objective-C",
    },
    Shared {
        extension: "mod",
        types: "text/plain video/mpeg",
        why: "modules of Go and other languages, and camcorders, beside tracker music",
    },
    Shared {
        extension: "pot",
        types: "text/x-gettext-translation text/plain",
        why: "templates of gettext, beside PowerPoint",
    },
    Shared {
        extension: "doc",
        types: "application/rtf",
        why: "Word opens RTF under it, and programs write it so",
    },
    Shared {
        extension: "dot",
        types: "application/rtf text/vnd.graphviz",
        why: "graphs of Graphviz, beside templates of Word",
    },
    Shared {
        extension: "nc",
        types: "text/plain",
        why: "G-code, beside netCDF",
    },
    Shared {
        extension: "cls",
        types: "text/plain",
        why: "classes of Visual Basic and Apex, beside LaTeX",
    },
];

/// What else an extension means, in lower case.
pub(super) fn other_types(extension: &str) -> impl Iterator<Item = &'static str> + use<> {
    let shared = SHARED.iter().find(|shared| shared.extension == extension);
    shared
        .into_iter()
        .flat_map(|shared| shared.types.split(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::media_type;

    #[test]
    fn each_extension_stands_once_and_means_something_else_too() {
        for (position, shared) in SHARED.iter().enumerate() {
            let first = media_type(&format!("a.{}", shared.extension)).unwrap();
            let mut others = other_types(shared.extension);
            assert!(others.all(|other| other != first), "{}", shared.extension);
            let mut before = SHARED[..position].iter();
            assert!(before.all(|before| before.extension != shared.extension));
        }
    }
}

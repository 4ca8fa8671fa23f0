//! How names are compared in a search: without letter case, and without the different ways in
//! which Unicode writes the same letter. Stands alone: searches fold what they look for, and the
//! schema's migrations fold what older releases wrote.

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization;

/// Combining dot above, which full case folding makes of the dot of İ.
const DOT_ABOVE: char = '\u{307}';

/// Folds a text: canonical caseless matching by full case folding (Unicode, section 3.13, D145),
/// as NFC. `ß`, `ẞ` and `SS` are alike, so are σ and ς, `ﬁ` and `FI`, and é however it is
/// composed; e and é are not. The dot of an i is dropped, so that `İ` is an i as well.
///
/// A change here needs a migration that folds the names in the ledger again.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed: String = text.nfd().collect();
    let folded = CaseMapper::new().fold_string(&decomposed).into_owned();
    let mut after_i = false;
    folded
        .nfd()
        .filter(|character| {
            let dot = after_i && *character == DOT_ABOVE;
            if !dot {
                after_i = *character == 'i';
            }
            !dot
        })
        .nfc()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_folded_as_unicode_says() {
        for alike in [
            &["straße", "STRASSE", "STRAẞE", "Strasse"][..],
            &["ΟΔΟΣ", "οδος", "οδοσ"],
            &["İstanbul", "istanbul", "i\u{307}stanbul", "ISTANBUL"],
            &["ﬁnale ﬂ ﬆ ﬓ", "FINALE FL ST ՄՆ"],
            &["é", "e\u{301}", "É", "E\u{301}"],
            &["ŉ", "ʼN"],
            &["ΐ", "Ϊ\u{301}", "ι\u{308}\u{301}"],
            &["ᾳ", "ΑΙ", "α\u{345}"],
            &["Å", "\u{212b}", "a\u{30a}"],
            &["K", "\u{212a}"],
            &["Ꭰ", "ꭰ"],
            &["\u{10400}", "\u{10428}"],
            &["가", "\u{1100}\u{1161}"],
        ] {
            for text in alike {
                assert_eq!(fold(text), fold(alike[0]), "{text}");
            }
        }
    }

    #[test]
    fn other_letters_stay_others() {
        for (one, other) in [("e", "é"), ("ı", "i"), ("ss", "s"), ("o", "ö"), ("²", "2")] {
            assert_ne!(fold(one), fold(other));
        }
    }

    #[test]
    fn what_is_folded_stays_as_it_is() {
        let letters = (0..=0x0001_ffff).filter_map(char::from_u32);
        for character in letters.filter(|letter| !letter.is_ascii()) {
            let folded = fold(&format!("I{character}\u{307}"));
            assert_eq!(fold(&folded), folded, "{character:?}");
        }
    }
}

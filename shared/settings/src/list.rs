//! Parses comma lists, for every setting that is a list.

use std::error::Error;
use std::str::FromStr;

/// A comma list. White space around entries and empty entries are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(Vec<T>);

impl<T: Clone> List<T> {
    /// Returns the entries of all `lists` in order: a flag may be repeated.
    #[must_use]
    pub fn entries(lists: &[Self]) -> Vec<T> {
        lists.iter().flat_map(|list| list.0.clone()).collect()
    }
}

impl<T> FromStr for List<T>
where
    T: FromStr<Err: Into<Box<dyn Error + Send + Sync>>>,
{
    type Err = Box<dyn Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split(',').map(str::trim);
        let entries = entries.filter(|entry| !entry.is_empty());
        let read = |entry: &str| {
            entry.parse::<T>().map_err(|error: T::Err| {
                let error: Box<dyn Error + Send + Sync> = error.into();
                format!("{entry:?}: {error}")
            })
        };
        let entries = entries.map(read).collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Err("the list is empty".into());
        }
        Ok(Self(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_between_commas() {
        let read = |text: &str| text.parse::<List<u8>>().map(|list| list.0);
        for text in ["1,2", " 1 ,\t2 ", "1,2,", ",1,,2 , "] {
            assert_eq!(read(text).unwrap(), [1, 2], "{text}");
        }
        for text in ["", " ", ",", " , ", "1,x", "1;2"] {
            assert!(read(text).is_err(), "{text}");
        }
        let told = read("1, x").unwrap_err().to_string();
        assert!(told.contains("\"x\""), "{told}");
    }

    #[test]
    fn lists_add_up() {
        let lists = ["1,2", "3"].map(|text| text.parse::<List<u8>>().unwrap());
        assert_eq!(List::entries(&lists), [1, 2, 3]);
    }
}

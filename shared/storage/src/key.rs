//! Object keys: builds and parses them, and decides which URLs lie within a place. Nothing else
//! does.

use url::Url;
use uuid::{ContextV7, Uuid, Variant};

use domain::Timestamp;

/// Returns a fresh key created at `now`, such as `3f/01890a5d-…-…3f`: spread over 256 folders by
/// its last, random digits.
pub(super) fn new_key(now: Timestamp) -> String {
    key_of(new_name(now))
}

/// The three bytes after the time and its fraction by which keys of objects that grow are known;
/// of other keys, one in four million has them.
const GROWING: [u8; 3] = [0xbf, 0xff, 0xff];

/// Returns a fresh key of an object that grows.
pub(super) fn new_growing_key(now: Timestamp) -> String {
    let mut bytes = new_name(now).into_bytes();
    bytes[8..11].copy_from_slice(&GROWING);
    key_of(Uuid::from_bytes(bytes))
}

/// Returns whether `key`, which is one of ours, is that of an object that grows.
pub(super) fn is_growing(key: &str) -> bool {
    let name = key.split_once('/').map_or(key, |(_, name)| name);
    Uuid::try_parse(name).is_ok_and(|id| id.as_bytes()[8..11] == GROWING)
}

/// Returns the key with this name.
pub(super) fn key_named(name: &str) -> Option<String> {
    let id = is_name(name).then(|| Uuid::try_parse(name).ok())?;
    id.map(key_of)
}

fn key_of(id: Uuid) -> String {
    let name = id.hyphenated().to_string();
    let folder = &name[name.len() - 2..];
    format!("{folder}/{name}")
}

fn new_name(now: Timestamp) -> Uuid {
    let micros = now.as_micros().max(0).unsigned_abs();
    let nanoseconds = u32::try_from(micros % 1_000_000).expect("below a million") * 1_000;
    let moment = uuid::Timestamp::from_unix(ContextV7::new(), micros / 1_000_000, nanoseconds);
    Uuid::new_v7(moment)
}

/// Returns when the key of the object at `url` was created, if it is one of ours.
pub(super) fn made_at(url: &Url) -> Option<Timestamp> {
    let name = url.path_segments()?.next_back()?;
    let moment = Uuid::try_parse(name).ok()?.get_timestamp()?;
    let (seconds, nanoseconds) = moment.to_unix();
    let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
    Some(Timestamp::from_micros(
        micros.checked_add(i64::from(nanoseconds / 1_000))?,
    ))
}

/// The name of a place's mark, which is not a key.
pub(super) const MARK: &str = ".dossier/installation";

/// Returns whether `text` is exactly a key as created by `new_key`. Anything else in a place
/// belongs to others, and is neither listed nor read nor removed.
pub(super) fn is_key(text: &str) -> bool {
    let Some((folder, name)) = text.split_once('/') else {
        return false;
    };
    is_folder(folder) && is_name(name) && name.ends_with(folder)
}

/// Returns whether `text` can be the folder of a key.
pub(super) fn is_folder(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 2 && text.bytes().all(is_digit)
}

/// Returns whether `text` is a `UUIDv7` in our notation; there are others.
fn is_name(text: &str) -> bool {
    let Ok(id) = Uuid::try_parse(text) else {
        return false;
    };
    id.get_version_num() == 7
        && id.get_variant() == Variant::RFC4122
        && id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text
}

/// Returns the key of the object at `url` if it lies within `place`.
pub(super) fn key_within<'u>(place: &Url, url: &'u Url) -> Option<&'u str> {
    url.as_str()
        .strip_prefix(place.as_str())
        .filter(|key| is_key(key))
}

/// Returns the URL of the object `key` in `place`.
pub(super) fn url_of(place: &Url, key: &str) -> Url {
    place
        .join(key)
        .expect("a place is a folder, and a key is a relative path")
}

/// The start of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start<'u> {
    /// At the first key.
    First,
    /// After this text, which need not be a key.
    Behind(&'u str),
    /// Nowhere: every URL of the place sorts before it.
    Past,
}

/// Returns the start of a listing of `place` that contains only what sorts after `after`.
pub(super) fn start_of<'u>(place: &Url, after: Option<&'u Url>) -> Start<'u> {
    let Some(after) = after else {
        return Start::First;
    };
    match after.as_str().strip_prefix(place.as_str()) {
        Some("") => Start::First,
        Some(key) => Start::Behind(key),
        None if after < place => Start::First,
        None => Start::Past,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_new_key_is_a_key_in_a_folder_named_by_its_end() {
        let key = new_key(Timestamp::from_micros(1_700_000_000_000_042));
        assert!(is_key(&key), "{key}");
        let (folder, name) = key.split_once('/').unwrap();
        assert_eq!((folder.len(), name.len()), (2, 36));
        assert!(name.ends_with(folder));
        assert!(name.starts_with("018bcfe5-6800-7"), "{name}");
    }

    #[test]
    fn a_key_tells_to_the_millisecond_when_it_was_made() {
        let now = Timestamp::from_micros(1_700_000_000_123_000);
        let key = url_of(&url("file:///data/store/"), &new_key(now));
        assert_eq!(made_at(&key), Some(now));
        for other in [
            "file:///a/3f/a",
            "file:///a/67e55044-10b1-426f-9247-bb680e5fe0c8",
        ] {
            assert_eq!(made_at(&url(other)), None, "{other}");
        }
    }

    #[test]
    fn the_key_of_an_object_that_grows_is_a_key_too() {
        let now = Timestamp::from_micros(1_700_000_000_123_000);
        let key = new_growing_key(now);
        assert!(is_key(&key) && is_growing(&key), "{key}");
        assert!(!is_growing(&new_key(now)));
        assert_eq!(made_at(&url_of(&url("file:///data/"), &key)), Some(now));
        assert_eq!(key_named(&key[3..]), Some(key.clone()));
        assert_eq!(key_named("report"), None);
    }

    const KEY: &str = "3f/018bcfe5-6800-7000-8000-00000000003f";

    #[test]
    fn only_keys_of_our_very_form_lie_within_a_place() {
        let place = url("file:///data/store/");
        let object = url_of(&place, KEY);
        assert_eq!(key_within(&place, &object), Some(KEY));
        let name = &KEY[3..];
        for outside in [
            format!("file:///data/store2/{KEY}"),
            format!("s3://data/store/{KEY}"),
            format!("file:///data/store/../{KEY}"),
            format!("file:///data/store/%2e%2e/{KEY}"),
            format!("file:///data/store/..%2F{KEY}"),
            format!("file:///data/store//{KEY}"),
            format!("file:///data/store/{KEY}/"),
            format!("file:///data/store/{KEY}?b"),
            format!("file:///data/store/3f/{KEY}"),
            format!("file:///data/store/{name}"),
            format!("file:///data/store/40/{name}"),
            format!("file:///data/store/3F/{name}"),
            format!("file:///data/store/.aside/{name}"),
            format!("file:///data/store/3f/{}", name.to_uppercase()),
            format!("file:///data/store/3f/{}", name.replace('-', "")),
            format!("file:///data/store/3f/{{{name}}}"),
            format!("file:///data/store/3f/{}", name.replace("-7000", "-4000")),
            format!("file:///data/store/3f/{}", name.replace("-8000", "-c000")),
            format!("file:///data/store/{MARK}"),
            "file:///data/store/taxes-2023".to_owned(),
            "file:///data/store/photos/2024-01-01/img001".to_owned(),
            "file:///data/store/3f/a".to_owned(),
            "file:///data/store/".to_owned(),
        ] {
            assert_eq!(key_within(&place, &url(&outside)), None, "{outside}");
        }
    }

    #[test]
    fn a_listing_begins_behind_what_came_before() {
        let place = url("s3://bucket/m/");
        let start = |after: &str| match start_of(&place, Some(&url(after))) {
            Start::First => "first".to_owned(),
            Start::Behind(key) => format!("behind {key}"),
            Start::Past => "past".to_owned(),
        };
        assert_eq!(start("s3://bucket/m/3f/a"), "behind 3f/a");
        assert_eq!(start("s3://bucket/m/"), "first");
        assert_eq!(start("s3://bucket/a/zz"), "first");
        assert_eq!(start("s3://bucket/z/aa"), "past");
        assert_eq!(start_of(&place, None), Start::First);
    }
}

//! Any bytes under any name: an answer, the same one twice, and never a panic.
//!
//! `cargo install cargo-fuzz`, then in `identify/`: `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none identify`

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Option<String>, Vec<u8>)| {
    let (name, bytes) = input;
    let look = || identify::identify(&mut bytes.as_slice(), name.as_deref()).expect("memory can be read");
    let (first, second) = (look(), look());
    assert_eq!(first.media_type, second.media_type);
    identify::contradicts(name.as_deref().unwrap_or_default(), first.media_type);
});

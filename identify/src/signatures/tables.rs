//! The tables of signatures of binary formats, in the order in which they are matched.

use super::signature::Signature;
use super::{archives, audio, data, documents, images, programs, video};

pub(super) const BINARY: &[&[Signature]] = &[
    documents::SIGNATURES,
    images::SIGNATURES,
    archives::SIGNATURES,
    audio::SIGNATURES,
    video::SIGNATURES,
    programs::SIGNATURES,
    data::SIGNATURES,
];

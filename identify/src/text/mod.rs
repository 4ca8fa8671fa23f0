//! Text: decoded first, then judged by its structure, the strictest grammar
//! first, so that prose about a format is not taken for the format.

mod claims;
mod config;
mod decode;
mod json;
mod lines;
mod mail;
mod markdown;
mod markup;
mod precedence;
mod source;
mod tabular;
mod xml_element;
mod xml_roots;
mod yaml_keys;

pub(crate) use claims::{overrules, supports};
pub(crate) use decode::{Text, decode};
pub(crate) use precedence::judge;

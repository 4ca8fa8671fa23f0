//! Text: decoded first, then judged by its structure, the strictest grammar
//! first, so that prose about a format is not taken for the format.

mod claims;
mod components;
mod config;
mod decode;
mod embedded;
mod graphs;
mod html_elements;
mod json;
mod lines;
mod mail;
mod markdown;
mod markup;
mod markup_claims;
mod notations;
mod precedence;
mod query;
mod relaxed_json;
mod rules;
mod science;
mod source;
mod styles;
mod tabular;
mod transcripts;
mod typesetting;
mod words;
mod xml_element;
mod xml_roots;
mod yaml_keys;

pub(crate) use claims::{most_shown, overrules, supports};
pub(crate) use decode::{Text, decode};
pub(crate) use json::has_keys_of;
pub(crate) use mail::is_one_message;
pub(crate) use markup_claims::{has_root_of, is_page_of};
pub(crate) use notations::shows as shows_notation;
pub(crate) use precedence::judge;
pub(crate) use source::shows as is_code_of;

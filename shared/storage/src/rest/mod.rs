//! HTTP for the adapters that speak the REST interface of a service themselves.

mod answer;
mod cached;
mod client;
mod pieces;
mod token;

pub(crate) use answer::{header, json, length, no_content, refused, stream, text};
pub(crate) use cached::{Cached, Lasting};
pub(crate) use client::{Authorize, BoxError, COPY, Call, HttpClient, Response};
pub(crate) use pieces::Pieces;
pub(crate) use token::{CachedToken, Token, ask};

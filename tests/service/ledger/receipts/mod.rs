//! Receipts: what is written with a change, by which its request is answered again.

mod atomicity;
mod verbs;

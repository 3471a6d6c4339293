//! A request: one run as asked by a caller.

use crate::job::Data;

/// How the user's code is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Once, with `_items` and `_query`.
    AllItems,
    /// Once per item, with `_item`; every result is streamed as it is done.
    PerItem,
}

/// One run as asked; by default without code, items and query.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Python source, a function body.
    pub code: String,
    /// How it is called.
    pub mode: Mode,
    /// Input items, an array of any JSON.
    pub items: Data,
    /// `_query` in `all_items` mode.
    pub query: Data,
}

impl Default for Request {
    fn default() -> Self {
        Self { code: String::new(), mode: Mode::AllItems, items: Data::no_items(), query: Data::null() }
    }
}

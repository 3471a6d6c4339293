//! A request: one run as asked by a caller. It can only tighten a policy; [`remand_policy::narrow`] holds that.

use serde_json::Value;

use crate::job::Data;

/// How the user's code is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Once, with `_items` and `_query`.
    AllItems,
    /// Once per item, with `_item`; every result is streamed as it is done.
    PerItem,
}

/// One run as asked.
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
    /// What the caller wants tightened: a tree of the same shape as a policy file's sections, for instance
    /// `{"limits": {"memory": "64MiB"}, "python": {"stdlib_allow": ["json"]}}`.
    pub overrides: Value,
}

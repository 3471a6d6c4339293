//! A question about one place in a run, with all that is known to answer it.

use remand_plan::view::View;
use remand_policy::question::Use;

use super::compiled::Compiled;

/// A question about one place.
pub(super) struct Asked<'a, 'c> {
    pub using: Use,
    /// The path in the run, links followed.
    pub path: String,
    pub compiled: &'a Compiled<'c>,
    pub view: View<'a>,
}

//! A seccomp profile taken over: read, given its meaning, folded into groups, put into the policy that is being written.

use super::fold::fold;
use super::json::{Node, Read, named};
use super::meaning::meaning;
use super::omissions::Omissions;
use super::profile;
use super::write::{Document, remark};

/// A profile, wherever it stands. `conditions`: whether those who read it know `includes` and `excludes`, as Docker does and OCI runtimes do not.
pub(super) fn read(node: &Node<'_>, conditions: bool, name: &str, document: &mut Document, omissions: &mut Omissions) -> Read<()> {
    let profile = profile::read(node, omissions)?;
    let meaning = meaning(&profile, conditions, omissions);
    document.head.extend(meaning.comments.iter().map(|(path, comment)| remark(path, comment)));
    document.syscalls = Some(fold(&meaning, &format!("from {}, where it is allowed", named(name)), omissions));
    Ok(())
}

//! What this process may do: nothing that whoever started it may not; and no more than it still has to, once its run has begun.

use std::{env, fs, iter};

use nix::unistd::{Gid, Uid, geteuid};
use remand_engine::Identity;
use remand_jail::rights;

use crate::failure::Failure;
use crate::print;

/// A copy with a set-user-id bit or file capabilities would do for everybody what its owner may do.
pub fn none_gained() -> Result<(), Failure> {
    let Some(how) = rights::gained().map_err(Failure::internal)? else { return Ok(()) };
    Err(Failure {
        hint: Some(
            "remand is not made to be installed set-user-id, set-group-id or with file capabilities: take them off (chmod ug-s, setcap -r) and \
             start it with sudo, or as an ordinary user; ordinary users will be served by the privileged helper's socket, once there is one"
                .into(),
        ),
        ..Failure::rights(format!("refused: {how}"))
    })
}

/// Gives up what only the start of a run takes; says so if the kernel refuses.
pub fn give_up() {
    if let Err(error) = rights::keep_for_the_end() {
        print::stderr(&format!("remand: capabilities that are needed no more cannot be given up: {error}\n"));
    }
}

/// Does something with the rights of whoever called: under sudo theirs, not root's.
pub fn as_caller<T: Send>(act: impl FnOnce() -> Result<T, Failure> + Send) -> Result<T, Failure> {
    let Some((user, group)) = sudo_user() else { return act() };
    let groups: Vec<_> = iter::once(group).chain(env::var("SUDO_USER").map(|name| groups_of(&name)).unwrap_or_default()).collect();
    let failed = |error| Failure::internal(format!("cannot take on the rights of user {user}, who called: {error}"));
    rights::as_user(user, group, &groups, act).map_err(failed)?
}

/// A user's groups by `/etc/group`, the only service of names that a static program can ask: the C library would load the others into it, and dies of that.
fn groups_of(name: &str) -> Vec<Gid> {
    let of = |line: &str| {
        let mut fields = line.split(':').skip(2);
        let group = fields.next()?.parse().ok()?;
        fields.next()?.split(',').any(|member| member == name).then_some(Gid::from_raw(group))
    };
    fs::read_to_string("/etc/group").unwrap_or_default().lines().filter_map(of).collect()
}

/// For whom a run is: whoever called.
pub fn caller() -> Identity {
    sudo_user().map_or_else(Identity::own, |(user, group)| Identity::of(user.as_raw(), group.as_raw()))
}

/// Who called root, as sudo tells it. It only takes rights away.
fn sudo_user() -> Option<(Uid, Gid)> {
    let id = |name| env::var(name).ok()?.parse::<u32>().ok();
    let (user, group) = (id("SUDO_UID")?, id("SUDO_GID")?);
    (geteuid().is_root() && user != 0).then(|| (Uid::from_raw(user), Gid::from_raw(group)))
}

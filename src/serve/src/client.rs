//! Who is served: a user of the host, or a container with everybody in it.
//!
//! Always holds: a container is never a user of the host, whatever numbers its processes have; one that ended is never the next of its name.

use nix::unistd::geteuid;
use remand_engine::Identity;
use remand_policy::text::quote;
use serde_json::{Value, json};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// A user of the host.
    User(User),
    /// A container.
    Container(Container),
}

/// A container, as it is known from when it first connected to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Of no other that this daemon knew.
    pub number: u64,
    /// Its cgroup, from the root on.
    pub cgroup: String,
}

/// Whose something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A user of the host.
    User(u32),
    /// A container.
    Container(u64),
}

impl Owner {
    /// Whether it may see what is another's: what is its own, and root all.
    #[must_use]
    pub fn sees(self, other: Self) -> bool {
        self == other || self == Self::User(0)
    }
}

impl Client {
    /// By which what is its is known.
    #[must_use]
    pub fn owner(&self) -> Owner {
        match self {
            Self::User(user) => Owner::User(user.id),
            Self::Container(container) => Owner::Container(container.number),
        }
    }

    /// With whose rights a run is made ready for it. A container has none on the host's files.
    #[must_use]
    pub fn identity(&self) -> Identity {
        const NOBODY: u32 = 65534;
        match self {
            Self::User(user) => Identity::of(user.id, user.group),
            Self::Container(_) if geteuid().is_root() => Identity::of(NOBODY, NOBODY),
            Self::Container(_) => Identity::own(),
        }
    }

    /// For people.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::User(user) => format!("user {}", user.id),
            Self::Container(container) => format!("the container {}", quote(&container.cgroup)),
        }
    }

    /// Adds who it is, the number of a user or the cgroup of a container, to what is told in the log and to whoever looks at runs.
    #[must_use]
    pub fn told(&self, mut fields: Value) -> Value {
        match self {
            Self::User(user) => fields["user"] = json!(user.id),
            Self::Container(container) => fields["container"] = json!(container.cgroup),
        }
        fields
    }
}

/// A user as this machine's files know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Number.
    pub id: u32,
    /// Primary group.
    pub group: u32,
    /// Name, if it has one.
    pub name: Option<String>,
    /// Groups, by number and name.
    pub groups: Vec<(u32, String)>,
}

impl User {
    /// Of the texts of `/etc/passwd` and `/etc/group`, the only service of names that a static program can ask.
    #[must_use]
    pub fn of(id: u32, group: u32, passwd: &str, groups: &str) -> Self {
        let field = |line: &'_ str, at: usize| line.split(':').nth(at).map(str::to_owned);
        let is = |line: &str, number: u32| field(line, 2).and_then(|text| text.parse().ok()) == Some(number);
        let name = passwd.lines().find(|line| is(line, id)).and_then(|line| field(line, 0));
        let member = |line: &str| {
            let number = field(line, 2)?.parse().ok()?;
            let listed = field(line, 3).is_some_and(|members| members.split(',').any(|member| Some(member) == name.as_deref()));
            (listed || number == group).then(|| Some((number, field(line, 0)?))).flatten()
        };
        let groups = groups.lines().filter_map(member).collect();
        Self { id, group, name, groups }
    }

    pub(crate) fn is(&self, named: &str) -> bool {
        named.parse() == Ok(self.id) || self.name.as_deref() == Some(named)
    }

    pub(crate) fn in_group(&self, named: &str) -> bool {
        named.parse() == Ok(self.group) || self.groups.iter().any(|(number, name)| named.parse() == Ok(*number) || name == named)
    }
}

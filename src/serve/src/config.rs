//! `/etc/remand/serve.jsonc`: who may run what, and how much of it.
//!
//! Always holds: no input, no output; a file that is not understood completely is none; whoever no tenant names may do nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use remand_policy::load::{Keys, document};
use remand_policy::policy::Enforce;
use remand_policy::shipped::SHIPPED;
use remand_policy::source::Source;
use remand_policy::text::{Problem, quote};
use remand_policy::units::{Bytes, Span, UnitError};
use serde_json::{Value, json};

use crate::client::{Client, User};
use crate::pattern::{PATTERN, Pattern};
use crate::queue::Quota;

/// Where the configuration is, if none is named.
pub const FILE: &str = "/etc/remand/serve.jsonc";
/// Most runs, waiting or going on, of anybody.
const MOST: u64 = 4096;
/// Most runs in a minute.
const RATE: u64 = 1_000_000;
/// What the names of tenants of one user each begin with; no other does.
const OTHER: &str = "user ";
/// What the names of tenants of one container each begin with; no other does.
const CONTAINER: &str = "container ";
/// What a tenant has whose quota is not written.
const QUOTA: Quota = Quota { concurrent: 2, queued: 8, rate: 0, cpu: 0, memory: 0, label: (0, 0) };

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Runs at once, of all tenants together.
    pub runs: usize,
    /// Runs that wait, of all tenants together.
    pub queue: usize,
    /// Who may read what is counted of everybody's runs, as names or numbers.
    pub readers: Vec<String>,
    /// Where every run is written down.
    pub audit: Option<Audit>,
    /// By name.
    pub tenants: BTreeMap<String, Tenant>,
    /// What every user has who belongs to none: a tenant each.
    pub others: Option<Tenant>,
    /// Which cgroups are services of the host, though they have a mount namespace of their own.
    pub services: Vec<Pattern>,
    /// What containers have, by name of their kind: a tenant each.
    pub containers: BTreeMap<String, Containers>,
}

/// A kind of containers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Containers {
    /// The cgroups of which each is one.
    pub cgroups: Vec<Pattern>,
    /// What each of them may.
    pub tenant: Tenant,
}

/// Where every run is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The file, by its absolute path.
    pub file: PathBuf,
    /// Whether a run may begin that cannot be written there.
    pub enforce: Enforce,
}

/// A trust domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenant {
    /// Who belongs to it, as names or numbers.
    pub users: Vec<String>,
    /// Of which groups everybody belongs to it.
    pub groups: Vec<String>,
    /// What its runs may be made under.
    pub policies: Policies,
    /// How many.
    pub quota: TenantQuota,
}

/// A quota that has a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantQuota(pub Quota);

impl Default for TenantQuota {
    fn default() -> Self {
        Self(QUOTA)
    }
}

/// Policies that may be named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policies {
    /// Every one that this machine has.
    All,
    /// Those that are built in.
    #[default]
    BuiltIn,
    /// These.
    Named(Vec<String>),
}

impl Policies {
    /// Whether one may be named.
    #[must_use]
    pub fn allow(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::BuiltIn => SHIPPED.iter().any(|(shipped, _)| *shipped == name),
            Self::Named(names) => names.iter().any(|allowed| allowed == name),
        }
    }
}

impl Config {
    /// Without a file: root and this process's own user may run, under any policy. `everybody`: the others too, under built-in ones.
    #[must_use]
    pub fn without_file(own: u32, processors: usize, everybody: bool) -> Self {
        let runs = (2 * processors).max(4);
        let mut users = vec!["0".to_owned()];
        users.extend((own != 0).then(|| own.to_string()));
        let quota = TenantQuota(Quota { concurrent: runs, queued: 64, ..QUOTA });
        let owner = Tenant { users, policies: Policies::All, quota, ..Tenant::default() };
        let (services, containers) = (Vec::new(), BTreeMap::new());
        Self {
            runs,
            queue: 256,
            readers: Vec::new(),
            audit: None,
            tenants: [("owner".to_owned(), owner)].into(),
            others: everybody.then(Tenant::default),
            services,
            containers,
        }
    }

    /// What a tenant may have at once. One that the configuration no longer knows has what waits done one by one.
    #[must_use]
    pub fn quota(&self, tenant: &str) -> Quota {
        let of_containers = || Some(&self.containers.get(tenant.strip_prefix(CONTAINER)?.split_once(' ')?.1)?.tenant);
        let of_others = || self.others.as_ref().filter(|_| tenant.starts_with(OTHER));
        let known = self.tenants.get(tenant).or_else(of_containers).or_else(of_others);
        known.map_or(Quota { concurrent: 1, ..Quota::default() }, |tenant| tenant.quota.0)
    }

    /// Whether a client may read what is counted: a user of the host who is named, and no container.
    #[must_use]
    pub fn reads(&self, client: &Client) -> bool {
        matches!(client, Client::User(user) if self.readers.iter().any(|name| user.is(name)))
    }

    /// The tenant of a client, by its name and what it may.
    #[must_use]
    pub fn tenant(&self, client: &Client) -> Option<(String, Tenant)> {
        match client {
            Client::User(user) => self.tenant_of(user),
            Client::Container(container) => {
                let (name, _) = self.container(&container.cgroup).filter(|(_, cgroup)| *cgroup == container.cgroup)?;
                Some((format!("{CONTAINER}{} {name}", container.number), self.containers.get(name)?.tenant.clone()))
            }
        }
    }

    /// The kind of containers that a cgroup belongs to, and the one above it, or itself, that is the container: the outermost.
    #[must_use]
    pub fn container<'c, 'p>(&'c self, cgroup: &'p str) -> Option<(&'c str, &'p str)> {
        let all = self.containers.iter().flat_map(|(name, kind)| kind.cgroups.iter().map(move |pattern| (name.as_str(), pattern)));
        all.filter_map(|(name, pattern)| Some((name, pattern.ancestor(cgroup)?))).min_by_key(|(_, container)| container.len())
    }

    fn tenant_of(&self, user: &User) -> Option<(String, Tenant)> {
        let by_user = self.tenants.iter().find(|(_, tenant)| tenant.users.iter().any(|name| user.is(name)));
        let found = by_user.or_else(|| self.tenants.iter().find(|(_, tenant)| tenant.groups.iter().any(|name| user.in_group(name))));
        let named = found.map(|(name, tenant)| (name.clone(), tenant.clone()));
        named.or_else(|| self.others.clone().map(|tenant| (format!("{OTHER}{}", user.id), tenant)))
    }
}

/// Reads the file.
///
/// # Errors
/// Every problem, as those of policies.
pub fn read(source: &Source, processors: usize) -> Result<Config, Vec<Problem>> {
    let none = Config::without_file(0, processors, false);
    let read = document(source, |keys| {
        let runs = small(keys, "runs", 1, none.runs);
        let queue = small(keys, "queue", 0, none.queue);
        let readers = keys.texts("readers");
        let audit = keys.object("audit", audit).flatten();
        let tenants = keys.objects("tenants", tenant);
        for (begin, whose) in [(OTHER, "users who are in none"), (CONTAINER, "containers")] {
            if let Some((name, _)) = tenants.iter().find(|(name, _)| name.starts_with(begin)) {
                let help = Some("write another name".to_owned());
                keys.refuse("tenants", format!("{} is how {whose} are called", quote(name)), help);
            }
        }
        let others = keys.object("others", tenant);
        let services = patterns(keys, "host_services");
        let containers = keys.objects("containers", |keys| {
            keys.require("cgroups");
            Containers { cgroups: patterns(keys, "cgroups"), tenant: shared(keys) }
        });
        let (tenants, containers) = (tenants.into_iter().collect(), containers.into_iter().collect());
        Some(Config { runs, queue, readers, audit, tenants, others, services, containers })
    })?;
    read.ok_or_else(Vec::new)
}

fn small(keys: &mut Keys<'_, '_, '_, '_>, key: &'static str, least: u64, without: usize) -> usize {
    keys.number(key, least..=MOST).and_then(|number| usize::try_from(number).ok()).unwrap_or(without)
}

/// A text with a unit, above nothing; 0 where the key is not there.
fn quantity(keys: &mut Keys<'_, '_, '_, '_>, key: &'static str, read: impl Fn(&str) -> Result<u64, UnitError>) -> u64 {
    let mut found = 0;
    keys.text(key, |text| {
        found =
            read(text).map_err(|error| (error.to_string(), error.help().unwrap_or_else(|| "write a number and its unit".to_owned())))?;
        if found == 0 { Err(("nothing could ever run".to_owned(), "write more, or leave it out".to_owned())) } else { Ok(()) }
    });
    found
}

fn audit(keys: &mut Keys<'_, '_, '_, '_>) -> Option<Audit> {
    let absolute = |text: &str| match text.starts_with('/') {
        true => Ok(()),
        false => Err((format!("{} is no absolute path", quote(text)), "write where the file lies, from /".to_owned())),
    };
    let (file, enforce) = (keys.text("file", absolute), keys.word("enforce").unwrap_or(Enforce::Optional));
    if file.is_none() {
        keys.refuse("file", "it is not said where the audit record goes".to_owned(), Some("write the absolute path of a file".to_owned()));
    }
    file.map(|file| Audit { file: file.into(), enforce })
}

fn patterns(keys: &mut Keys<'_, '_, '_, '_>, key: &'static str) -> Vec<Pattern> {
    let mut found = Vec::new();
    for text in keys.texts(key) {
        match Pattern::read(&text) {
            Ok(pattern) => found.push(pattern),
            Err((wrong, help)) => keys.refuse(key, format!("{} {wrong}", quote(&text)), Some(help.to_owned())),
        }
    }
    found
}

fn tenant(keys: &mut Keys<'_, '_, '_, '_>) -> Tenant {
    Tenant { users: keys.texts("users"), groups: keys.texts("groups"), ..shared(keys) }
}

/// What tenants of users have in common with those of containers.
fn shared(keys: &mut Keys<'_, '_, '_, '_>) -> Tenant {
    let named = keys.texts("policies");
    if let Some(path) = named.iter().find(|name| name.contains('/') || name.ends_with(".jsonc")) {
        keys.refuse(
            "policies",
            format!("{} is a path", quote(path)),
            Some("write a policy's name; its file lies in /etc/remand/policies".to_owned()),
        );
    }
    let (concurrent, queued) = (small(keys, "concurrent", 1, QUOTA.concurrent), small(keys, "queued", 0, QUOTA.queued));
    let quota = Quota {
        concurrent,
        queued,
        rate: keys.number("rate", 1..=RATE).and_then(|rate| u32::try_from(rate).ok()).unwrap_or(QUOTA.rate),
        cpu: quantity(keys, "cpu_per_minute", |text| text.parse::<Span>().map(|span| span.0)),
        memory: quantity(keys, "memory", |text| text.parse::<Bytes>().map(|bytes| bytes.0)),
        label: keys
            .object("label", |keys| (small(keys, "concurrent", 1, concurrent), small(keys, "queued", 0, queued)))
            .unwrap_or(QUOTA.label),
    };
    let policies = if named.is_empty() { Policies::BuiltIn } else { Policies::Named(named) };
    Tenant { policies, quota: TenantQuota(quota), ..Tenant::default() }
}

/// The JSON Schema of the file.
#[must_use]
pub fn schema() -> Value {
    let number = |least: u64, what: &str| json!({ "type": "integer", "minimum": least, "maximum": MOST, "description": what });
    let texts = |what: &str| json!({ "type": "array", "items": { "type": "string" }, "uniqueItems": true, "description": what });
    let quantity = |example: &str, what: &str| json!({ "type": "string", "examples": [example], "description": what });
    let patterns = |what: &str| json!({ "type": "array", "items": { "type": "string", "pattern": PATTERN, "examples": ["/machine.slice/libpod-*.scope"] }, "uniqueItems": true, "description": what });
    let mut tenant = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "policies": texts("The policies that it may use, by name; without it, those that are built in"),
            "concurrent": number(1, "Runs at once; without it, 2"),
            "queued": number(0, "Runs that wait; without it, 8"),
            "rate": { "type": "integer", "minimum": 1, "maximum": RATE, "description": "Runs begun per minute; without it, as many as there is room for" },
            "cpu_per_minute": quantity("30s", "CPU time that its runs may take per minute, counted when each is over; without it, what their policies let them"),
            "memory": quantity("1GiB", "What limits.memory of the runs that go on at once may add up to; without it, what their policies let them"),
            "label": {
                "type": "object", "additionalProperties": false,
                "description": "What each label that it gives its runs may have of that",
                "properties": { "concurrent": number(1, "Runs at once; without it, the tenant's"), "queued": number(0, "Runs that wait; without it, the tenant's") },
            },
        },
    });
    let mut container = tenant.clone();
    container["required"] = json!(["cgroups"]);
    container["properties"]["cgroups"] =
        patterns("Patterns of cgroups, each of which, with all below it, is a container: from the root on, * for any part of one name");
    tenant["properties"]["users"] = texts("Who belongs to it, as names or numbers");
    tenant["properties"]["groups"] = texts("Of which groups everybody belongs to it");
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of remand serve",
        "type": "object", "additionalProperties": false, "required": ["version"],
        "properties": {
            "$schema": { "type": "string" },
            "version": { "const": 1 },
            "runs": number(1, "Runs at once, of all tenants together; without it, two for each processor"),
            "queue": number(0, "Runs that wait, of all tenants together; without it, 256"),
            "readers": texts("Who may read /metrics besides root, as names or numbers"),
            "audit": {
                "type": "object", "additionalProperties": false, "required": ["file"],
                "description": "Where each run is written down when it begins and when it is over; without it, nowhere but in the log",
                "properties": {
                    "file": { "type": "string", "pattern": "^/", "examples": ["/var/log/remand/audit.jsonl"], "description": "In a directory that only this user can write; opened anew on SIGHUP" },
                    "enforce": { "enum": ["required", "optional"], "description": "required: no run begins that cannot be written there; without it, optional" },
                },
            },
            "tenants": { "type": "object", "additionalProperties": tenant, "description": "Who may do what, by a name for them" },
            "host_services": patterns("Patterns of cgroups whose processes are the host's users, though they have a mount namespace of their own"),
            "containers": { "type": "object", "additionalProperties": container, "description": "Which containers are served, by a name for their kind; each is a tenant of its own" },
            "others": { "description": "What each user has who is in none of them; without it, they are refused", "allOf": [tenant] },
        },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::client::Container;

    fn said(text: &str) -> Result<Config, Vec<String>> {
        let source = Source { file: "serve.jsonc".into(), text: text.as_bytes().to_vec().into() };
        read(&source, 4).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nann:x:1001:1001::/:/bin/sh\n";
    const GROUP: &str = "analysts:x:700:bob,ann\nann:x:1001:\n";

    #[test]
    fn a_user_belongs_to_the_tenant_that_names_it_then_to_one_that_names_a_group() {
        let config = said(
            "{ \"version\": 1, \"runs\": 3, \"queue\": 0, \"tenants\": {
                \"a\": { \"groups\": [\"analysts\"], \"policies\": [\"numeric\"], \"concurrent\": 4, \"queued\": 5, \"rate\": 60,
                    \"cpu_per_minute\": \"30s\", \"memory\": \"1GiB\", \"label\": { \"concurrent\": 1 } },
                \"b\": { \"users\": [\"1001\"] } } }",
        )
        .unwrap();
        assert_eq!((config.runs, config.queue), (3, 0));
        let tenant = |id, group| config.tenant(&Client::User(User::of(id, group, PASSWD, GROUP))).map(|(name, _)| name);
        assert_eq!(tenant(1001, 1001).as_deref(), Some("b"));
        assert_eq!(tenant(5, 700).as_deref(), Some("a"));
        assert_eq!(tenant(5, 5), None);
        let a = config.tenants.get("a").unwrap();
        assert_eq!(a.quota.0, Quota { concurrent: 4, queued: 5, rate: 60, cpu: 30_000_000, memory: 1 << 30, label: (1, 5) });
        assert!(a.policies.allow("numeric") && !a.policies.allow("default"));
        let by_group = said("{ \"version\": 1, \"tenants\": { \"a\": { \"groups\": [\"analysts\"] } } }").unwrap();
        assert_eq!(by_group.tenant(&Client::User(User::of(1001, 1001, PASSWD, GROUP))).map(|(name, _)| name).as_deref(), Some("a"));
    }

    /// A value of each property of an object of the schema.
    fn example(schema: &Value) -> Value {
        let value = |schema: &Value| match (schema.get("const"), schema["type"].as_str()) {
            (Some(value), _) => value.clone(),
            (None, Some("integer")) => schema["minimum"].clone(),
            (None, Some("array")) => json!([]),
            (None, Some("string")) => schema["examples"].get(0).cloned().unwrap_or(json!("x")),
            (None, None) if schema["enum"].is_array() => schema["enum"][0].clone(),
            _ => json!({}),
        };
        let properties = schema["properties"].as_object().unwrap();
        Value::Object(properties.iter().map(|(name, schema)| (name.clone(), value(schema))).collect())
    }

    #[test]
    fn what_the_schema_has_is_what_is_read() {
        let schema = schema();
        let tenant = &schema["properties"]["tenants"]["additionalProperties"];
        let mut whole = example(&schema);
        whole["tenants"] = json!({ "a": example(tenant) });
        whole["others"] = example(tenant);
        whole["audit"] = example(&schema["properties"]["audit"]);
        whole["containers"] = json!({ "c": example(&schema["properties"]["containers"]["additionalProperties"]) });
        assert_eq!(said(&whole.to_string()).map(|config| (config.tenants.len(), config.containers.len())), Ok((1, 1)));
        let lengths = [&whole, &whole["others"], &whole["containers"]["c"]].map(|object| object.as_object().unwrap().len());
        assert_eq!(lengths, [10, 9, 8], "a new key has its place here");
    }

    #[test]
    fn without_a_file_root_and_the_own_user() {
        let user = |id| Client::User(User { id, group: id, ..User::default() });
        let config = Config::without_file(1000, 2, false);
        assert!(config.tenant(&user(0)).is_some() && config.tenant(&user(1000)).is_some() && config.tenant(&user(1001)).is_none());
        let (name, other) = Config::without_file(0, 2, true).tenant(&user(1001)).unwrap();
        assert_eq!((name.as_str(), other.quota.0.concurrent), ("user 1001", 2));
        assert!(other.policies.allow("strict") && !other.policies.allow("mine"));
    }

    #[test]
    fn each_container_is_a_tenant_of_its_own() {
        let config = said(
            "{ \"version\": 1, \"host_services\": [\"/system.slice/*.service\"],
                \"containers\": { \"pods\": { \"cgroups\": [\"/pods/*\", \"/pods/*/*\"], \"policies\": [\"strict\"], \"concurrent\": 3 } } }",
        )
        .unwrap();
        assert_eq!(config.container("/pods/a/b/c"), Some(("pods", "/pods/a")), "the outermost");
        assert_eq!(config.container("/pods"), None);
        let container = |number, cgroup: &str| Client::Container(Container { number, cgroup: cgroup.to_owned() });
        let (name, tenant) = config.tenant(&container(7, "/pods/a")).unwrap();
        assert_eq!((name.as_str(), tenant.quota.0.concurrent, tenant.policies.allow("default")), ("container 7 pods", 3, false));
        assert_eq!((config.quota(&name).concurrent, config.quota("container 7 gone").concurrent), (3, 1));
        assert_eq!(config.tenant(&container(7, "/pods/a/b")), None, "no longer what it was");
        assert_eq!(config.tenant(&Client::User(User::default())), None, "and nobody's else");
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        let text =
            "{ \"version\": 1, \"host_services\": [\"system.slice\"], \"containers\": { \"a\": {}, \"b\": { \"cgroups\": [\"/x/**\"] } },
            \"tenants\": { \"container 1\": {} } }";
        let problems = said(text).unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:?}");
        for told in [
            "host_services: \"system.slice\" does not begin at the root",
            "containers.a: ",
            "cgroups: \"/x/**\" has **",
            "is how containers are called",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(told)), "{told}: {problems:?}");
        }
    }

    #[test]
    fn problems_are_those_of_policies() {
        let text =
            "{\n  \"version\": 1,\n  \"runs\": 0,\n  \"tenants\": {\n    \"a\": { \"user\": [\"x\"], \"policies\": [\"/etc/x\"] }\n  }\n}";
        assert_eq!(
            said(text).unwrap_err(),
            [
                "serve.jsonc:3:11: runs: 0 is not from 1 to 4096 (write a number in between)",
                "serve.jsonc:5:12: tenants.a: unknown key \"user\" (did you mean \"users\"?)",
                "serve.jsonc:5:39: tenants.a.policies: \"/etc/x\" is a path (write a policy's name; its file lies in /etc/remand/policies)",
            ]
        );
    }
}

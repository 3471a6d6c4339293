//! Whether a client is of the host or in a container, and whether it is served.
//!
//! Always holds: whoever is not proved to be of the host is not served as one of its users; no container is served that the configuration does not admit; where others
//! than root may write, no pattern of root's matches.

use remand_engine::host::Level;
use remand_engine::host::peer::Seen;
use remand_policy::text::terminal::escape_line;

use crate::config::Config;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whence {
    /// It is who its user id says.
    Host,
    /// It is this container, whoever it is there.
    Container(Level),
}

/// Decides.
///
/// # Errors
/// Why it is not served, for whoever connected and for the log.
pub fn whence(seen: &Seen, config: &Config) -> Result<Whence, String> {
    if seen.user && seen.mount {
        return Ok(Whence::Host);
    }
    if !seen.surely {
        return Err("it is in a container, which are served from Linux 6.5 on: below it the kernel does not say for certain who connects (SO_PEERPIDFD)".to_owned());
    }
    let levels = seen.cgroups.as_ref().map_err(|why| format!("it is in a container whose cgroup cannot be known: {why}"))?;
    let Some(own) = levels.last() else {
        return Err(format!("{}, and in no cgroup of its own, by which the configuration could admit it", differs(seen)));
    };
    if let Some((_, path)) = config.container(&own.path) {
        let container = levels.iter().find(|level| level.path == path).filter(|_| own.foreign.is_none());
        return container.map(|level| Whence::Container(level.clone())).ok_or_else(|| written(own));
    }
    let service = seen.user && config.services.iter().any(|pattern| pattern.ancestor(&own.path).is_some());
    if service && own.foreign.is_some() {
        return Err(written(own));
    }
    if service && seen.pid {
        return Ok(Whence::Host);
    }
    let more = match (service, seen.user) {
        (true, _) => "; host_services has it, but no service of the host has a PID namespace of its own",
        (false, true) => ", or to host_services, if it is a service of the host",
        (false, false) => "",
    };
    Err(format!(
        "{}, so it counts as a container, and the configuration admits none with the cgroup {}: add it to containers.NAME.cgroups in /etc/remand/serve.jsonc{more}",
        differs(seen),
        whole(own)
    ))
}

/// The path of a cgroup, whatever is in its names, and not cut short: it is to be written down.
fn whole(level: &Level) -> String {
    format!("\"{}\"", escape_line(&level.path))
}

/// What it has that is not the host's.
fn differs(seen: &Seen) -> &'static str {
    if seen.user { "it has a mount namespace that is not the host's" } else { "it has a user namespace that is not the host's" }
}

fn written(own: &Level) -> String {
    let who = own.foreign.as_deref().unwrap_or_default();
    format!("its cgroup {} matches a pattern of the configuration, but {who}, so that it may be anybody's", whole(own))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use remand_policy::source::Source;

    fn config() -> Config {
        let text = "{ \"version\": 1, \"host_services\": [\"/system.slice/*.service\"],
            \"containers\": { \"c\": { \"cgroups\": [\"/machine.slice/libpod-*.scope\", \"/system.slice/q.service/libpod-*\"] } } }";
        crate::config::read(&Source { file: "serve.jsonc".into(), text: text.as_bytes().to_vec().into() }, 1).unwrap()
    }

    /// Of the levels of a path, those from `foreign` on may be written to by somebody.
    fn levels(path: &str, foreign: Option<&str>) -> Vec<Level> {
        let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
        let level = |end: usize| {
            let path = path[..end].to_owned();
            let foreign = foreign.filter(|from| path.starts_with(from)).map(|from| format!("{from} can be written to by uid 1000"));
            Level { directory: format!("/sys/fs/cgroup{path}"), path, foreign }
        };
        ends.map(level).collect()
    }

    fn seen(user: bool, mount: bool, path: &str) -> Seen {
        Seen { surely: true, user, mount, pid: user && mount, cgroups: Ok(levels(path, None)) }
    }

    fn refusal(seen: &Seen, config: &Config) -> String {
        whence(seen, config).unwrap_err()
    }

    const SCOPE: &str = "/machine.slice/libpod-1.scope";

    #[test]
    fn the_host_is_its_two_namespaces_wherever_the_cgroup() {
        for path in ["/", SCOPE, "/user.slice/x"] {
            assert_eq!(whence(&seen(true, true, path), &config()), Ok(Whence::Host), "{path}");
        }
        let unsure = Seen { surely: false, ..seen(true, true, "/") };
        assert_eq!(whence(&unsure, &config()), Ok(Whence::Host));
    }

    #[test]
    fn a_container_is_the_cgroup_that_the_configuration_admits() {
        for (user, mount) in [(true, false), (false, true), (false, false)] {
            for path in [SCOPE, "/machine.slice/libpod-1.scope/init/x"] {
                let found = whence(&seen(user, mount, path), &config());
                assert!(matches!(&found, Ok(Whence::Container(level)) if level.path == SCOPE), "{user} {mount} {path}: {found:?}");
            }
        }
        let payload = "/system.slice/q.service/libpod-1";
        assert!(
            matches!(whence(&seen(true, false, payload), &config()), Ok(Whence::Container(level)) if level.path == payload),
            "though its service is one of the host's"
        );
    }

    #[test]
    fn none_is_served_that_is_not_admitted() {
        let none = Config::without_file(0, 1, true);
        for (seen, config, told) in [
            (
                seen(false, false, SCOPE),
                &none,
                "it has a user namespace that is not the host's, so it counts as a container, and the configuration admits none with the cgroup \"/machine.slice/libpod-1.scope\": add it to containers.NAME.cgroups in /etc",
            ),
            (seen(true, false, SCOPE), &none, "mount namespace that is not the host's, so it counts as a container"),
            (seen(true, false, "/system.slice/a.service"), &none, "or to host_services, if it is a service of the host"),
            (seen(true, false, "/user.slice/machine.slice/libpod-1.scope"), &config(), "admits none with the cgroup"),
            (Seen { cgroups: Ok(Vec::new()), ..seen(true, false, "/") }, &config(), "in no cgroup of its own"),
            (Seen { cgroups: Err("cgroup v2 is not mounted".to_owned()), ..seen(true, false, "/") }, &config(), "cgroup v2 is not mounted"),
            (Seen { surely: false, ..seen(true, false, SCOPE) }, &config(), "from Linux 6.5 on"),
        ] {
            let said = refusal(&seen, config);
            assert!(said.contains(told), "{told}: {said}");
        }
    }

    #[test]
    fn a_service_of_the_host_has_its_user_and_pid_namespace() {
        let service = |user, pid| Seen { pid, ..seen(user, false, "/system.slice/a.service") };
        assert_eq!(whence(&service(true, true), &config()), Ok(Whence::Host));
        assert!(refusal(&service(true, false), &config()).contains("PID namespace of its own"), "as a container below a service has");
        assert!(refusal(&service(false, true), &config()).contains("user namespace"), "whose numbers are not the host's");
    }

    #[test]
    fn where_others_may_write_no_pattern_matches() {
        for (user, path, foreign) in [
            (false, SCOPE, SCOPE),
            (false, SCOPE, "/machine.slice"),
            (false, "/machine.slice/libpod-1.scope/below", "/machine.slice/libpod-1.scope/below"),
            (true, "/system.slice/a.service", "/system.slice/a.service"),
        ] {
            let seen = Seen { pid: true, cgroups: Ok(levels(path, Some(foreign))), ..seen(user, false, path) };
            assert!(refusal(&seen, &config()).contains(&format!("but {foreign} can be written to by uid 1000")), "{path} {foreign}");
        }
    }
}

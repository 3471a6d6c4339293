//! A ceiling and the order of requests are one order, but for what a ceiling leaves free.

use proptest::prelude::*;
use proptest::test_runner::Config;
use remand_authoring::lint::lint;
use remand_policy::ceiling::exceeding;
use remand_policy::load::{Chain, trace};
use remand_policy::narrow::narrow;
use remand_policy::source::Source;

use crate::arbitrary::policy;
use crate::oracle::more;

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    /// What is within allows no more, by the account that is not the crate's own, and what narrows is within.
    #[test]
    fn nothing_within_a_ceiling_allows_more(ceiling in policy(), other in policy()) {
        prop_assert_eq!(exceeding(&ceiling, &ceiling), vec![]);
        let beyond = exceeding(&ceiling, &other);
        if narrow(&ceiling, other.clone()).is_ok() {
            prop_assert_eq!(&beyond, &vec![]);
        }
        // What is beyond is named: with those fields taken from the ceiling, the rest allows no more.
        let mut rest = other;
        for excess in &beyond {
            match excess.field.split('.').next() {
                Some("limits") => rest.limits = ceiling.limits.clone(),
                Some("filesystem") => rest.filesystem = ceiling.filesystem.clone(),
                Some("syscalls") => rest.syscalls = ceiling.syscalls.clone(),
                Some("network") => rest.network = ceiling.network.clone(),
                Some("namespaces") => rest.namespaces = ceiling.namespaces.clone(),
                Some("landlock") => rest.landlock = ceiling.landlock.clone(),
                Some("python") => rest.python = ceiling.python.clone(),
                Some("request") => rest.request = ceiling.request.clone(),
                other => prop_assert!(false, "{other:?}"),
            }
        }
        let mut free = ceiling.clone();
        free.environment.clone_from(&rest.environment);
        free.request.environment.clone_from(&rest.request.environment);
        // Where in the run a mount appears is free.
        if rest.filesystem.mounts != ceiling.filesystem.mounts {
            free.filesystem.mounts.clone_from(&rest.filesystem.mounts);
        }
        if rest.request.mounts != ceiling.request.mounts {
            free.request.mounts.clone_from(&rest.request.mounts);
        }
        prop_assert_eq!(more(&free, &rest), Vec::<&str>::new());
    }

    /// Advice is given for any policy that loads, and is not part of whether it does.
    #[test]
    fn advice_never_fails(policy in policy()) {
        let source = Source { file: "p".into(), text: policy.canonical().into_bytes().into() };
        let loaded = trace(&Chain::shipped(&source), "p");
        prop_assert_eq!(loaded.as_ref().map(|loaded| &loaded.policy), Ok(&policy));
        for warning in loaded.map(|loaded| lint(&loaded, &source)).unwrap_or_default() {
            prop_assert!(warning.offset + warning.bytes <= source.text.len() && !warning.message.is_empty());
        }
    }
}

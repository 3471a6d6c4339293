#![allow(clippy::unwrap_used)]
use std::os::unix::fs::{PermissionsExt as _, chown};

use super::*;

/// Directories of an administrator and of a user.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = fs::canonicalize(env::temp_dir()).unwrap().join(format!("remand-store-{}-{name}", std::process::id()));
        for directory in ["etc/policies", "own/remand/policies"] {
            fs::create_dir_all(path.join(directory)).unwrap();
        }
        Self(path)
    }

    fn store(&self) -> Store {
        Store { directory: self.0.join("etc/policies"), own: Some(self.0.join("own/remand/policies")) }
    }

    fn write(&self, file: &str, extends: &str, pids: u32) -> PathBuf {
        let path = self.0.join(file);
        fs::write(&path, format!("{{\"version\": 1, \"extends\": \"{extends}\", \"limits\": {{\"pids\": {pids}}}}}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    /// The processes that a policy allows, or why it is none.
    fn pids(&self, typed: &str) -> Result<u64, String> {
        let loaded = self.store().load(typed, Purpose::Run).map_err(|refusal| refusal.to_string())?.0;
        Ok(loaded.policy.limits.pids.value().unwrap())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_users_names_stand_behind_all_others() {
    let scratch = Scratch::new("order");
    scratch.write("own/remand/policies/mine.jsonc", "default", 3);
    scratch.write("own/remand/policies/team.jsonc", "default", 5);
    assert_eq!((scratch.pids("mine"), scratch.pids("team")), (Ok(3), Ok(5)), "control");
    scratch.write("etc/policies/team.jsonc", "default", 5);
    assert_eq!(scratch.pids("team"), Ok(5), "the administrator's name wins, and the user's file says the same");
    let store = scratch.store();
    let own = |name: &str| scratch.0.join("own/remand/policies").join(name);
    assert_eq!(store.file("mine"), Some(own("mine.jsonc")));
    assert_eq!((store.file("strict"), store.file("team")), (None, Some(scratch.0.join("etc/policies/team.jsonc"))));
    assert_eq!(store.file_to_write("new").unwrap(), own("new.jsonc"));
    assert_eq!(store.file_to_write("team").unwrap(), scratch.0.join("etc/policies/team.jsonc"));
    store.may_stand(&own("mine.jsonc"), b"another text").unwrap();
    assert!(matches!(store.may_stand(&own("team.jsonc"), b"another text"), Err(Refusal::NameTaken { .. })), "it would never be found");
    let unknown = store.load("nine", Purpose::Run).unwrap_err().to_string();
    assert!(unknown.contains("etc/policies and ") && unknown.ends_with("own/remand/policies"), "{unknown}");
}

#[test]
fn a_users_file_that_cannot_take_effect_is_refused_by_name() {
    let scratch = Scratch::new("taken");
    let strict = scratch.pids("strict").unwrap();
    let own = scratch.write("own/remand/policies/default.jsonc", "strict", 4);
    let refused = |typed: &str| scratch.pids(typed).unwrap_err();
    let said = refused("default");
    assert!(said.contains(own.to_str().unwrap()) && said.contains("default is the name of built-in default"), "{said}");
    assert!(scratch.store().load("default", Purpose::Look).is_err(), "and when it is looked at");
    assert_eq!(scratch.pids("strict"), Ok(strict), "other names are as they were, whatever they extend");
    let mine = scratch.write("own/remand/policies/mine.jsonc", "default", 7);
    assert!(refused("mine").contains("default is the name of"), "nor is it what a file of the user's own extends");
    assert!(refused(mine.to_str().unwrap()).contains("default is the name of"));
    scratch.write("etc/policies/team.jsonc", "default", 6);
    assert_eq!(scratch.pids("team"), Ok(6), "what the administrator extends is never the user's");
    scratch.write("own/remand/policies/team.jsonc", "strict", 5);
    assert!(refused("team").contains("etc/policies/team.jsonc"));
    fs::remove_file(own).unwrap();
    assert_eq!(scratch.pids("mine"), Ok(7), "control");
}

#[test]
fn an_administrators_policy_extends_none_of_a_users() {
    let scratch = Scratch::new("scope");
    scratch.write("own/remand/policies/basis.jsonc", "default", 3);
    scratch.write("etc/policies/team.jsonc", "basis", 5);
    let ceiling = scratch.write("etc/ceiling.jsonc", "basis", 5);
    let mine = scratch.write("mine.jsonc", "basis", 7);
    assert_eq!(scratch.pids(mine.to_str().unwrap()), Ok(7), "control: a file of the user's own finds it");
    assert!(scratch.pids("team").unwrap_err().contains("no policy \"basis\""));
    assert!(scratch.pids(ceiling.to_str().unwrap()).unwrap_err().contains("no policy \"basis\""));
}

#[test]
fn a_base_is_found_beside_the_file_that_extends_it() {
    let scratch = Scratch::new("beside");
    fs::create_dir(scratch.0.join("deep")).unwrap();
    scratch.write("base.jsonc", "default", 9);
    fs::write(scratch.0.join("deep/middle.jsonc"), "{\"version\": 1, \"extends\": \"../base.jsonc\"}").unwrap();
    let top = scratch.0.join("top.jsonc");
    fs::write(&top, "{\"version\": 1, \"extends\": \"./deep/middle.jsonc\"}").unwrap();
    for path in [&top, &scratch.0.join("deep/middle.jsonc")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    fs::set_permissions(scratch.0.join("deep"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
    let top = top.to_str().unwrap();
    assert_eq!(scratch.pids(top), Ok(9));
    scratch.write("base.jsonc", "./deep/../base.jsonc", 9);
    assert!(scratch.pids(top).unwrap_err().contains("more than 8 files"));
    fs::remove_file(scratch.0.join("base.jsonc")).unwrap();
    let missing = scratch.pids(top).unwrap_err();
    assert!(missing.contains("no policy \"../base.jsonc\"") && missing.contains("No such file"), "{missing}");
    let other = scratch.write("base.jsonc", "default", 9);
    if Uid::effective().is_root() {
        chown(&other, Some(12345), None).unwrap();
        assert!(scratch.pids(top).unwrap_err().contains("belongs to user 12345"), "the base is judged as the file is");
        scratch.store().load(top, Purpose::Look).unwrap();
    }
}

#[test]
fn a_users_directory_is_where_the_specification_has_it() {
    let scratch = Scratch::new("xdg");
    let (me, config) = (fs::metadata(&scratch.0).unwrap().uid(), scratch.0.join("own"));
    let of = |user: u32, xdg: &str, home: &str| {
        let value = |name: &str| Some(if name == "HOME" { home } else { xdg }).filter(|value| !value.is_empty()).map(PathBuf::from);
        own_directory(Uid::from_raw(user), value)
    };
    let ordinary = if me == 0 { 12345 } else { me };
    if me == 0 {
        chown(config.join("remand/policies"), Some(ordinary), None).unwrap();
    }
    let here = Some(config.join(OF_USER));
    assert_eq!(of(ordinary, config.to_str().unwrap(), "/nonexistent"), here);
    assert_eq!(of(ordinary, "relative", "/nonexistent"), Some("/nonexistent/.config/remand/policies".into()), "to be made yet");
    assert_eq!(of(ordinary, "", ""), None);
    assert_eq!(of(ordinary, "", "relative"), None);
    assert_eq!(of(ordinary + 1, config.to_str().unwrap(), ""), None, "another's");
    assert_eq!(of(0, config.to_str().unwrap(), "/root"), None, "root has none");
}

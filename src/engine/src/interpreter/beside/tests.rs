#![allow(clippy::unwrap_used)]
use super::*;
use crate::interpreter::reach::Machine;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        // Nothing that a run has of its own or that somebody else may write, wherever the checkout lies: not below /tmp.
        let places = ["/var/lib".to_owned(), std::env::var("HOME").unwrap_or_default()];
        let path = places.iter().map(|place| Path::new(place).join(format!("remand-beside-{name}-{}", std::process::id())));
        let path = path.into_iter().find(|path| std::fs::create_dir(path).is_ok()).unwrap();
        set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.0.display())
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn mode(&self, name: &str, mode: u32) {
        set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_pth_files_and_editable_installs_name() {
    let place = Place::new("names");
    for file in ["plain/one.py", "finder/src/two/__init__.py", "site/own/x.py"] {
        place.file(file, "");
    }
    let site = place.path("site");
    let finder = format!("MAPPING: dict[str, str] = {{'two': '{}', \"gone\": \"/no/such\"}}\n", place.path("finder/src/two"));
    place.file("site/__editable___two_finder.py", &finder);
    place.file("site/a.pth", &format!("# {0}/no\n{0}/plain\nown\n../none\n", place.0.display()));
    place.file("site/b.pth", "import __editable___two_finder; __editable___two_finder.install()\n");
    place.file("site/.c.pth", &place.path("finder"));
    // What is beside is closed to others by the directory above alone.
    place.mode("", 0o700);
    let reach = Reach::new(&Machine, vec![site.clone()], true);
    let found = brought(std::slice::from_ref(&site), Some(&place.path("")[..place.path("").len() - 1]), &reach);
    assert_eq!(found.names, [place.path("plain"), place.path("finder/src/two")].into());
    assert_eq!(found.directories, [place.path("plain"), place.path("finder/src")]);
    assert_eq!(brought(&[place.path("site")], None, &reach).left_out.len(), 2, "of no project");
    assert!(found.left_out.is_empty() && found.read.contains(&place.path("site/__editable___two_finder.py")), "{found:?}");
}

#[test]
fn a_run_is_not_shown_what_only_the_caller_may_see() {
    let place = Place::new("secret");
    place.file("code/a.py", "");
    place.file("code/deep/__init__.py", "");
    place.file("code/beside/secret", "");
    place.mode("code/beside/secret", 0o600);
    let secret = place.file("code/deep/secret", "");
    let site = place.path("site");
    place.file("site/a.pth", &format!("{}\n/\n/etc\n/proc/self\n/sys\n/tmp\n", place.path("code")));
    let found = |own: bool| {
        let reach = Reach::new(&Machine, vec![site.clone()], own);
        brought(std::slice::from_ref(&site), Some(place.0.to_str().unwrap()), &reach)
    };
    assert_eq!(
        (found(true).names, found(true).left_out.len()),
        ([place.path("code/a.py"), place.path("code/deep")].into(), 4),
        "the root is nobody's, the rest the run's own"
    );
    place.mode("code/deep/secret", 0o600);
    assert!(found(true).names.is_empty() && found(true).left_out[0].1.contains(&secret), "{:?}", found(true).left_out);
    assert_eq!(found(false).names.len(), 2, "the kernel keeps it from a run with an id of its own");
    place.mode("", 0o700);
    assert_eq!(found(false).names.len(), 2, "what is beside counts from there on");
    place.mode("code", 0o750);
    assert!(found(false).names.is_empty());
}

#[test]
fn of_a_project_its_modules_are_shown() {
    let place = Place::new("project");
    for file in
        [".env", ".git/config", "README.md", "data/x.csv", "mod.py", "fast.cpython-311-x86_64-linux-gnu.so", "pack.egg-info/PKG-INFO"]
    {
        place.file(&format!("proj/{file}"), "");
    }
    for file in
        ["pack/__init__.py", "pack/data/x.csv", "space/inner/__init__.py", "split/__init__.py", "split/sub/.token", "split/sub/x.py"]
    {
        place.file(&format!("proj/{file}"), "");
    }
    for (target, link) in [("pack", "alias"), (".env", "env.py"), ("/etc/passwd", "passwd.py"), ("../../proj/.env", "pack/y.py")] {
        symlink(target, place.path(&format!("proj/{link}"))).unwrap();
    }
    place.file("site/a.pth", &format!("{0}\n{0}/.env\n{0}/README.md\n", place.path("proj")));
    let site = place.path("site");
    let found = || brought(std::slice::from_ref(&site), Some(place.0.to_str().unwrap()), &Reach::new(&Machine, vec![site.clone()], true));
    let names = [
        "alias",
        "fast.cpython-311-x86_64-linux-gnu.so",
        "mod.py",
        "pack",
        "pack.egg-info",
        "space",
        "split/__init__.py",
        "split/sub/x.py",
    ];
    let first = found();
    assert_eq!(first.names, names.map(|name| place.path(&format!("proj/{name}"))).into());
    assert_eq!(first.directories, [place.path("proj")]);
    assert_eq!(first.left_out.len(), 2, "files that are no modules: {:?}", first.left_out);
    assert!(
        first.beside[0].1.contains("mod.py, pack, pack.egg-info") && first.beside[0].1.ends_with("read-only, and nothing else of it"),
        "{:?}",
        first.beside
    );
    for directory in ["proj", "proj/data", "proj/split/sub"] {
        assert!(first.listed.contains(&place.path(directory)), "{directory} decides");
    }
    symlink("data/key", place.path("proj/key.py")).unwrap();
    place.file("proj/data/key", "");
    place.mode("proj/data/key", 0o600);
    assert!(found().names.is_empty() && found().left_out[0].1.contains("data/key"), "a link shows what it leads to");
    std::fs::remove_file(place.path("proj/key.py")).unwrap();
    for hidden in [".env", ".git", "README.md", "data", "split/sub/.token"] {
        let _ = std::fs::remove_dir_all(place.path(&format!("proj/{hidden}")))
            .or_else(|_| std::fs::remove_file(place.path(&format!("proj/{hidden}"))));
    }
    assert_eq!(found().names, [place.path("proj")].into(), "where there is nothing else, it is one entry");
}

#[test]
fn links_of_a_standard_library_lead_somewhere() {
    let place = Place::new("links");
    let file = place.file("etc/sitecustomize.py", "");
    let library = place.path("lib");
    place.file("lib/site-packages/x.py", "");
    for (target, link) in
        [(file.as_str(), "lib/a.py"), ("/etc/passwd", "lib/b"), ("/etc", "lib/c"), ("gone", "lib/d"), (&file, "lib/site-packages/e")]
    {
        symlink(target, place.path(link)).unwrap();
    }
    let reach = Reach::new(&Machine, vec![place.0.to_str().unwrap().to_owned()], true);
    let found = |owners: &[u32]| links(std::slice::from_ref(&library), owners, &reach);
    assert_eq!(found(&trust::owners()), [place.path("lib/a.py")].into());
    assert!(found(&[4_000_000]).is_empty(), "somebody else could have put it there");
}

#[test]
fn paths_that_are_written() {
    let text = "MAPPING: dict[str, str] = {'one': '/a/one', \"two\": \"/b/two\"}\nx = 'no'; y = 'a\n/c'";
    assert_eq!(written(text).collect::<Vec<_>>(), ["/a/one", "/b/two"]);
}

//! The rules of loaders, on invented hosts.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::collections::HashMap;
use std::os::unix::fs::FileExt;

use remand_plan::files::FileId;

use super::*;
use crate::interpreter::budget::Budget;
use crate::interpreter::reach::Host;
use crate::interpreter::tree::Node;

const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";
const MUSL: &str = "/lib/ld-musl-x86_64.so.1";
#[cfg(target_arch = "x86_64")]
const FLAGS: u32 = 0x0303;
#[cfg(target_arch = "aarch64")]
const FLAGS: u32 = 0x0a03;

/// Files and links by path; directories are made with them, open to everybody.
#[derive(Default)]
struct Invented {
    nodes: HashMap<String, Node>,
    objects: HashMap<String, Object>,
    bytes: HashMap<String, Vec<u8>>,
    /// How often it was looked at.
    looks: Cell<usize>,
}

impl Host for Invented {
    fn look(&self, path: &str, _: Option<FileId>) -> Node {
        self.looks.set(self.looks.get() + 1);
        self.nodes.get(path).cloned().unwrap_or(Node::Missing)
    }

    fn object(&self, real: &str) -> Result<Object, String> {
        self.objects.get(real).cloned().ok_or_else(|| "it is no ELF file".to_owned())
    }

    fn bytes(&self, real: &str, _: usize) -> Option<Vec<u8>> {
        self.bytes.get(real).cloned()
    }
}

impl Invented {
    /// With glibc's and musl's loaders and a `/bin/x` that asks for the first.
    fn new(program: Object) -> Self {
        Self::default()
            .elf(GLIBC, Object { soname: Some("ld-linux-x86-64.so.2".to_owned()), ..Object::default() })
            .elf(MUSL, Object::default())
            .elf("/bin/x", Object { loader: Some(program.loader.clone().unwrap_or_else(|| GLIBC.to_owned())), ..program })
    }

    fn place(mut self, path: &str, node: Node) -> Self {
        for (at, _) in path.match_indices('/').skip(1) {
            self.nodes.entry(path[..at].to_owned()).or_insert(Node::Other(0o040_755, FileId::default()));
        }
        self.nodes.insert(path.to_owned(), node);
        self
    }

    fn elf(mut self, path: &str, object: Object) -> Self {
        self.objects.insert(path.to_owned(), object);
        self.place(path, Node::Other(0o100_755, FileId::default()))
    }

    fn plain(self, paths: &[&str]) -> Self {
        paths.iter().fold(self, |host, path| host.elf(path, Object::default()))
    }

    fn link(self, path: &str, target: &str) -> Self {
        self.place(path, Node::Link(target.to_owned()))
    }

    fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        self.bytes.insert(path.to_owned(), bytes.to_vec());
        self.place(path, Node::Other(0o100_644, FileId::default()))
    }

    fn found(&self, also: &[&str]) -> Result<Vec<String>, String> {
        self.found_within(Budget::default(), also)
    }

    fn found_within(&self, budget: Budget, also: &[&str]) -> Result<Vec<String>, String> {
        let also: Vec<String> = also.iter().map(|name| (*name).to_owned()).collect();
        let mut reach = Reach::new(self, Vec::new(), true);
        reach.budget = budget;
        let mut found = libraries("/bin/x", &also, &reach)?;
        found.remove(GLIBC);
        found.remove(MUSL);
        Ok(found.into_iter().collect())
    }
}

fn needs(names: &[&str]) -> Object {
    Object { needed: names.iter().map(|name| (*name).to_owned()).collect(), ..Object::default() }
}

fn rpath(list: &str, names: &[&str]) -> Object {
    Object { rpath: Some(list.to_owned()), ..needs(names) }
}

fn runpath(list: &str, names: &[&str]) -> Object {
    Object { runpath: Some(list.to_owned()), ..needs(names) }
}

fn musl(object: Object) -> Object {
    Object { loader: Some(MUSL.to_owned()), ..object }
}

/// A cache in the present format: (name, path, hwcap).
fn cache(entries: &[(&str, &str, u64)]) -> Vec<u8> {
    let mut strings = Vec::new();
    let mut table = Vec::new();
    for (name, path, hwcap) in entries {
        let mut put = |text: &str| {
            let at = 48 + 24 * entries.len() + strings.len();
            strings.extend([text.as_bytes(), b"\0"].concat());
            u32::try_from(at).unwrap().to_le_bytes()
        };
        table.extend([FLAGS.to_le_bytes(), put(name), put(path), [0; 4]].concat());
        table.extend(hwcap.to_le_bytes());
    }
    let count = u32::try_from(entries.len()).unwrap().to_le_bytes();
    let header = [&b"glibc-ld.so.cache1.1"[..], &count, &[0; 24]].concat();
    [header, table, strings].concat()
}

#[test]
fn a_static_program_needs_nothing() {
    let host = Invented::default().elf("/bin/x", Object::default());
    assert_eq!(host.found(&["/lib/a.so"]).unwrap(), Vec::<String>::new());
}

#[test]
fn own_directories_come_before_the_cache_and_the_cache_before_default_ones() {
    let all = ["/a/l.so", "/c/l.so", "/usr/lib/l.so"];
    let host =
        |object| Invented::new(object).plain(&all).file("/etc/ld.so.cache", &cache(&[("l.so", "/c/l.so", 0), ("l.so", "/d/l.so", 0)]));
    assert_eq!(host(runpath("/none:/a", &["l.so"])).found(&[]).unwrap(), ["/a/l.so"]);
    assert_eq!(host(rpath("/a", &["l.so"])).found(&[]).unwrap(), ["/a/l.so"]);
    // The run may or may not have the cache, and gets it where that makes a difference.
    assert_eq!(host(needs(&["l.so"])).found(&[]).unwrap(), ["/c/l.so", "/etc/ld.so.cache", "/usr/lib/l.so"]);
    let without = Invented::new(needs(&["l.so"])).plain(&all).file("/etc/ld.so.cache", &cache(&[("l.so", "/gone/l.so", 0)]));
    assert_eq!(without.found(&[]).unwrap(), ["/usr/lib/l.so"]);
    let nodeflib = Object { nodeflib: true, ..needs(&["l.so"]) };
    assert_eq!(host(nodeflib.clone()).found(&[]).unwrap(), ["/c/l.so", "/etc/ld.so.cache"]);
    let only_default = Invented::new(nodeflib).plain(&all).file("/etc/ld.so.cache", &cache(&[("l.so", "/usr/lib/l.so", 0)]));
    assert!(only_default.found(&[]).unwrap_err().contains("/bin/x needs l.so, which is nowhere that its loader looks"));
}

#[test]
fn rpath_is_handed_down_and_runpath_is_not() {
    let host = |program| Invented::new(program).elf("/a/one.so", needs(&["two.so"])).plain(&["/a/two.so"]);
    assert_eq!(host(rpath("/a", &["one.so"])).found(&[]).unwrap(), ["/a/one.so", "/a/two.so"]);
    assert!(host(runpath("/a", &["one.so"])).found(&[]).unwrap_err().contains("/a/one.so needs two.so"));
    let both = Object { runpath: Some("/b".to_owned()), ..rpath("/a", &["one.so"]) };
    assert!(host(both).found(&[]).unwrap_err().contains("/bin/x needs one.so"), "RPATH beside RUNPATH is nothing");
    let heir = Invented::new(rpath("/a", &["one.so"])).elf("/a/one.so", runpath("/b", &["two.so"])).plain(&["/a/two.so"]);
    assert!(heir.found(&[]).unwrap_err().contains("two.so"), "who has a RUNPATH inherits nothing");
    let musl = host(musl(runpath("/a", &["one.so"])));
    assert_eq!(musl.found(&[]).unwrap(), ["/a/one.so", "/a/two.so"], "musl hands both down");
}

#[test]
fn variables_stand_for_places() {
    for list in ["$ORIGIN/../l", "${ORIGIN}/../l", "/x:$ORIGINx:/bin/../l"] {
        assert_eq!(Invented::new(runpath(list, &["l.so"])).plain(&["/l/l.so"]).found(&[]).unwrap(), ["/bin/../l/l.so"], "{list}");
    }
    let host = Invented::new(runpath("/p/$LIB:/q/${PLATFORM}", &["l.so", "m.so"]));
    let platform = if cfg!(target_arch = "x86_64") { "/q/x86_64/m.so" } else { "/q/aarch64/m.so" };
    assert_eq!(host.plain(&["/p/lib64/l.so", platform]).found(&[]).unwrap(), ["/p/lib64/l.so", platform]);
    let direct = Invented::new(needs(&["$ORIGIN/l.so"])).plain(&["/bin/l.so"]);
    assert_eq!(direct.found(&[]).unwrap(), ["/bin/l.so"]);
    let musl = |list| Invented::new(musl(runpath(list, &["l.so"]))).plain(&["/l/l.so"]).found(&[]);
    assert_eq!(musl("$ORIGIN/../l").unwrap(), ["/bin/../l/l.so"]);
    assert!(musl("$LIB:/l").is_err(), "musl drops a list that it does not understand");
    // A library's own directory is that of the name it was found by.
    let linked = Invented::new(runpath("/a", &["l.so"])).link("/a/l.so", "/b/l.so").elf("/b/l.so", runpath("$ORIGIN", &["m.so"]));
    assert_eq!(linked.plain(&["/a/m.so", "/b/m.so"]).found(&[]).unwrap(), ["/a/l.so", "/a/m.so"]);
}

#[test]
fn relative_places_are_the_runs_own() {
    let host = |object| Invented::new(object).plain(&["/l.so", "/l/l.so"]);
    for object in [runpath("l::.", &["l.so"]), needs(&["l/l.so"]), needs(&["./l.so"]), rpath("", &["l.so"])] {
        assert!(host(object).found(&[]).is_err());
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn libraries_for_some_processors_come_with_those_for_all() {
    let all = ["/a/glibc-hwcaps/x86-64-v3/l.so", "/a/l.so", "/a/tls/x86_64/l.so"];
    assert_eq!(Invented::new(runpath("/a", &["l.so"])).plain(&all).found(&[]).unwrap(), all);
    let list = cache(&[("l.so", "/c/v3/l.so", 1 << 62), ("l.so", "/c/l.so", 0), ("l.so", "/d/l.so", 0)]);
    let host = Invented::new(needs(&["l.so"])).plain(&["/c/v3/l.so", "/c/l.so", "/d/l.so"]).file("/etc/ld.so.cache", &list);
    assert_eq!(host.found(&[]).unwrap(), ["/c/l.so", "/c/v3/l.so", "/etc/ld.so.cache"]);
}

#[test]
fn musl_is_its_own_c_library_and_has_directories_in_a_file() {
    let host = |names: &[&str]| Invented::new(musl(needs(names))).plain(&["/usr/lib/z.so", "/opt/m/z.so"]);
    assert_eq!(host(&["libc.so", "libm.so.6", "libpthread.so.0", "z.so"]).found(&[]).unwrap(), ["/usr/lib/z.so"]);
    let configured = host(&["z.so"]).file("/etc/ld-musl-x86_64.path", b"/opt/m\n/usr/lib:/x\n");
    #[cfg(target_arch = "x86_64")]
    assert_eq!(configured.found(&[]).unwrap(), ["/etc/ld-musl-x86_64.path", "/opt/m/z.so", "/usr/lib/z.so"]);
    drop(configured);
    assert!(host(&["libcrypt.so"]).found(&[]).is_err(), "only its own names are its own");
}

#[test]
fn a_name_that_is_loaded_is_not_looked_for_again() {
    let one = Object { soname: Some("one.so.1".to_owned()), ..runpath("/b", &["two.so"]) };
    let host = Invented::new(runpath("/a", &["one.so", "one.so.1", "ld-linux-x86-64.so.2"])).elf("/a/one.so", one);
    let host = host.elf("/b/two.so", needs(&["one.so.1", "two.so"])).plain(&["/a/one.so.1"]);
    assert_eq!(host.found(&[]).unwrap(), ["/a/one.so", "/b/two.so"]);
}

#[test]
fn filters_and_audit_libraries() {
    let filters = Object { filters: vec!["f.so".to_owned(), "gone.so".to_owned()], ..runpath("/a", &["l.so"]) };
    assert_eq!(Invented::new(filters).plain(&["/a/f.so", "/a/l.so"]).found(&[]).unwrap(), ["/a/f.so", "/a/l.so"]);
}

#[test]
fn what_is_loaded_later_is_found_too_and_passed_over_where_it_cannot_be() {
    let host = Invented::new(rpath("/a", &[])).elf("/s/m 1:\n.so", runpath("$ORIGIN/libs", &["l.so"])).file("/s/text.so", b"x");
    let host = host.elf("/s/lacks.so", needs(&["nowhere.so"])).plain(&["/s/libs/l.so", "/a/lazy.so"]);
    let host = host.elf("/s/program.so", Object { fixed: true, ..Object::default() });
    let also = ["lazy.so", "none.so", "/s/m 1:\n.so", "/s/text.so", "/s/lacks.so", "/s/gone.so", "/s/program.so"];
    assert_eq!(host.found(&also).unwrap(), ["/a/lazy.so", "/s/lacks.so", "/s/libs/l.so", "/s/m 1:\n.so"]);
}

#[test]
fn nothing_that_not_everybody_can_read_is_found_by_content() {
    let private = |host: Invented| host.elf("/p/key", Object::default()).place("/p", Node::Other(0o040_700, FileId::default()));
    let secret = |host: Invented| host.elf("/s/key", Object::default()).place("/s/key", Node::Other(0o100_640, FileId::default()));
    let host = |names: &[&str]| secret(private(Invented::new(runpath("/a", names)))).link("/a/p.so", "/p/key").link("/a/s.so", "../s/key");
    for name in ["/p/key", "/s/key", "p.so", "s.so", "/a/../p/key"] {
        let said = host(&[name]).found(&[]).unwrap_err();
        assert!(said.contains("not everybody can reach and read /p (mode 0700)") || said.contains("/s/key (mode 0640)"), "{said}");
    }
    assert!(host(&[]).found(&["/p/key", "/a/s.so"]).unwrap().is_empty());
    let loader = Object { loader: Some("/p/key".to_owned()), ..Object::default() };
    assert!(private(Invented::new(loader)).found(&[]).unwrap_err().contains("as its dynamic loader: not everybody"));
    // What a private directory hides, the loader of the run does not find either: it goes on.
    let next =
        Invented::new(runpath("/p:/a", &["l.so"])).plain(&["/p/l.so", "/a/l.so"]).place("/p", Node::Other(0o040_700, FileId::default()));
    assert_eq!(next.found(&[]).unwrap(), ["/a/l.so"]);
}

#[test]
fn what_lies_in_places_of_the_runs_own_is_passed_over() {
    for own in ["/tmp", "/tmp/a", "/var/tmp", "/proc/self", "/dev/shm"] {
        let (first, both) = (format!("{own}/l.so"), format!("{own}:/a"));
        let host = Invented::new(runpath(&both, &["l.so"])).plain(&[&first, "/a/l.so"]);
        assert_eq!(host.found(&[&first]).unwrap(), ["/a/l.so"], "{own}");
        let linked = Invented::new(runpath("/b:/a", &["l.so"])).link("/b/l.so", &first).plain(&[&first, "/a/l.so"]);
        assert_eq!(linked.found(&[]).unwrap(), ["/a/l.so"], "{own}, by a link");
        let through = Invented::new(runpath(&both, &["l.so"])).link(&first, "/c/l.so").plain(&["/c/l.so", "/a/l.so"]);
        assert_eq!(through.found(&[]).unwrap(), ["/a/l.so"], "{own}, a link in it");
        let around =
            Invented::new(runpath(&format!("{own}/x/../../../../a:/b"), &["l.so"])).plain(&[&format!("{own}/x/y"), "/a/l.so", "/b/l.so"]);
        assert_eq!(around.found(&[]).unwrap(), ["/b/l.so"], "{own}, passed through");
        let only = Invented::new(runpath(own, &["l.so"])).plain(&[&first]).found(&[]).unwrap_err();
        assert!(only.contains("/bin/x needs l.so") && only.contains("is the run's own"), "{only}");
    }
    let beside = Invented::new(runpath("/tmpx", &["l.so"])).plain(&["/tmpx/l.so"]);
    assert_eq!(beside.found(&[]).unwrap(), ["/tmpx/l.so"]);
}

/// Each of these would cost a hundred times the budget and more.
#[test]
fn hostile_files_cost_bounded_work() {
    const ALL: usize = 20_000_000;
    let numbered = |name: &str, count: usize| -> Vec<String> { (0..count).map(|n| format!("{name}{n}.so")).collect() };
    let names = numbered("l", 1000);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let parts = |count: usize, part: &dyn Fn(usize) -> String| (0..count).map(part).collect::<Vec<_>>().join(":");
    let deep = format!("/a0{}", "/./x/..".repeat(500));
    let hostile = [
        ("many directories", rpath(&parts(1000, &|n| format!("/a{}", n % 7)), &names)),
        ("other directories", rpath(&parts(5000, &|n| format!("/b{n}")), &names)),
        ("one directory again and again", rpath(&parts(20_000, &|_| "/a0".to_owned()), &names)),
        ("relative ones", runpath(&"x:".repeat(30_000), &names)),
        ("variables", runpath(&"$ORIGIN/$LIB/$PLATFORM:".repeat(2000), &names)),
        ("long paths", runpath(&parts(15, &|_| deep.clone()), &names)),
        ("links", runpath(&parts(500, &|n| format!("/link{n}")), &names)),
    ];
    for (what, object) in hostile {
        let mut host = Invented::new(object.clone()).plain(&["/a0/x/y", "/a3/x", "/good/m.so"]).elf("/good/l.so", needs(&["/good/m.so"]));
        for n in 0..500 {
            host = host.link(&format!("/link{n}"), &format!("{}a0", "./".repeat(2000)));
        }
        let said = host.found_within(Budget::of(ALL), &[]).unwrap_err();
        assert!(said.contains("/bin/x loads takes more work"), "{what}: {said}");
        let program = host.elf("/bin/x", Object { loader: Some(GLIBC.to_owned()), ..Object::default() });
        // One such library takes its share, and is passed over.
        let host = program.elf("/h/0.so", object.clone());
        assert_eq!(
            host.found_within(Budget::of(ALL), &["/h/0.so", "/good/l.so"]).unwrap(),
            ["/good/l.so", "/good/m.so", "/h/0.so"],
            "{what}"
        );
        let paths = numbered("/h/", 50);
        let host = paths.iter().fold(host, |host, path| host.elf(path, object.clone()));
        host.looks.set(0);
        let said = host.found_within(Budget::of(ALL), &paths.iter().map(String::as_str).collect::<Vec<_>>()).unwrap_err();
        assert!(said.contains("/h/") && said.contains("takes more work"), "{what}: {said}");
        assert!(host.looks.get() <= ALL / 2048, "{what}: {} looks", host.looks.get());
    }
    let chain = (0..5000).fold(Invented::new(needs(&["/c/0"])), |host, n| host.elf(&format!("/c/{n}"), needs(&[&format!("/c/{}", n + 1)])));
    assert!(chain.found(&[]).is_err());
}

#[test]
fn lists_of_musl_cost_bounded_work() {
    let host = |list: &str| {
        Invented::new(musl(needs(&["z.so"]))).plain(&["/opt/z.so", "/lib/z.so"]).file("/etc/ld-musl-x86_64.path", list.as_bytes())
    };
    let found = |list: &str| host(list).found(&[]).unwrap();
    let (short, long) = ("x:".repeat(30_000), "x:".repeat(40_000));
    #[cfg(target_arch = "x86_64")]
    assert!(found(&format!("{short}/opt")).contains(&"/opt/z.so".to_owned()));
    assert_eq!(found(&format!("{long}/opt")), ["/lib/z.so"], "too long a list is not shown either");
    let names: Vec<String> = (0..1000).map(|n| format!("l{n}.so")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for list in ["x:".repeat(2000), "/x:".repeat(1000), "$ORIGIN:".repeat(500)] {
        let said = Invented::new(musl(runpath(&list, &names))).found_within(Budget::of(20_000_000), &[]).unwrap_err();
        assert!(said.contains("takes more work"), "{said}");
    }
}

/// Every answer is an object or a reason.
#[test]
fn damaged_programs_are_read_or_refused() {
    let path = std::env::temp_dir().join(format!("remand-damaged-{}", std::process::id()));
    std::fs::copy("/bin/true", &path).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let whole = std::fs::read("/bin/true").unwrap();
    let read = || Object::read(file.try_clone().unwrap());
    let first = read().unwrap();
    assert!(first.loader.is_some() && !first.needed.is_empty(), "control: {first:?}");
    // Every bit of the headers; of the rest, steps that share no factor with the sizes of tables.
    let headers = 64 + usize::from(u16::from_le_bytes([whole[56], whole[57]])) * 56;
    for at in (0..headers).chain((headers..whole.len()).step_by(53)) {
        for bit in 0..8 {
            file.write_all_at(&[whole[at] ^ (1 << bit)], at as u64).unwrap();
            let _ = read();
        }
        file.write_all_at(&whole[at..=at], at as u64).unwrap();
    }
    assert_eq!(read().unwrap(), first);
    for length in (0..headers).chain((headers..whole.len()).step_by(53)).rev() {
        file.set_len(length as u64).unwrap();
        let said = read();
        assert!(said.is_err() || length >= headers, "{length}: {said:?}");
    }
}

/// An ELF file with these tables: for each, its type, where it says it is and how much that is; the rest is `x`.
fn with_tables(tables: &[(u32, u64, u64)]) -> Vec<u8> {
    let machine: u16 = if cfg!(target_arch = "x86_64") { 62 } else { 183 };
    let mut bytes = [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &3_u16.to_le_bytes(), &machine.to_le_bytes(), &[1, 0, 0, 0], &[0; 8]].concat();
    bytes.extend([&64_u64.to_le_bytes()[..], &[0; 12], &64_u16.to_le_bytes(), &56_u16.to_le_bytes()].concat());
    bytes.extend([&u16::try_from(tables.len()).unwrap().to_le_bytes()[..], &[0; 6]].concat());
    for (kind, offset, size) in tables {
        let words = [*offset, *offset, *offset, *size, *size, 8].map(u64::to_le_bytes).concat();
        bytes.extend([&kind.to_le_bytes()[..], &4_u32.to_le_bytes(), &words].concat());
    }
    bytes.resize(8 << 20, b'x');
    bytes
}

#[test]
fn programs_of_32_bits_are_refused_as_such() {
    let path = std::env::temp_dir().join(format!("remand-32-bits-{}", std::process::id()));
    // i386 and ARM, whole programs that end with 0.
    let (i386, arm) = (&b"\xb8\x01\0\0\0\x31\xdb\xcd\x80"[..], &b"\x14\x70\xa0\xe3\0\0\0\xef\0\0\xa0\xe3\x01\x70\xa0\xe3\0\0\0\xef"[..]);
    for (machine, flags, code) in [(3_u16, 0_u32, i386), (40, 0x500_0400, arm)] {
        let size = u32::try_from(84 + code.len()).unwrap();
        let mut bytes = [&b"\x7fELF\x01\x01\x01"[..], &[0; 9], &2_u16.to_le_bytes(), &machine.to_le_bytes()].concat();
        bytes.extend([1, 0x1_0054, 52, 0, flags].map(u32::to_le_bytes).concat());
        bytes.extend([52, 32, 1, 40, 0, 0].map(u16::to_le_bytes).concat());
        bytes.extend([1, 0, 0x1_0000, 0x1_0000, size, size, 5, 0x1000].map(u32::to_le_bytes).concat());
        bytes.extend(code);
        std::fs::write(&path, bytes).unwrap();
        let said = Object::read(std::fs::File::open(&path).unwrap()).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(said.starts_with("it is a 32-bit program") && said.contains(std::env::consts::ARCH), "{said}");
    }
}

#[test]
fn what_is_read_of_one_file_is_bounded() {
    let path = std::env::temp_dir().join(format!("remand-tables-{}", std::process::id()));
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let read = Object::read(std::fs::File::open(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        read
    };
    let entry = |tag: u64, value: u64| [tag.to_le_bytes(), value.to_le_bytes()].concat();
    let at = |number: usize| 0x10_0000 + number as u64 * 0x1000;
    // One dynamic table, whose strings begin at the file's beginning.
    let dynamic = |entries: &[Vec<u8>]| {
        let table = [&[entry(5, 0)], entries, &[entry(0, 0)]].concat().concat();
        let mut bytes = with_tables(&[(1, 0, 8 << 20), (2, 0x1_0000, table.len() as u64)]);
        bytes[0x1_0000..0x1_0000 + table.len()].copy_from_slice(&table);
        (1..1200).for_each(|number| bytes[usize::try_from(at(number)).unwrap() - 1] = 0);
        bytes
    };
    let few = dynamic(&[entry(1, at(1) - 200), entry(29, at(2) - 3000)]);
    let object = read(&few).unwrap();
    assert_eq!((object.needed[0].len(), object.runpath.unwrap().len()), (199, 2999), "control");
    let long = |number| entry(1, at(number) - 300);
    assert!(read(&dynamic(&[long(1)])).unwrap_err().contains("no file can have"), "longer than any name");
    let lists: Vec<_> = (1..1000).map(|number| entry(29, at(number))).collect();
    let repeated: Vec<_> = (1..1000).map(|_| entry(29, at(1))).collect();
    let headers: Vec<_> = (0..4000).map(|number| (3, number * 16, 1 << 18)).collect();
    let tables: Vec<_> = (0..4000).map(|_| (2, 0x10_0000, 1 << 18)).collect();
    for (what, bytes) in [("lists", dynamic(&lists)), ("one list", dynamic(&repeated)), ("tables", with_tables(&tables))] {
        let said = read(&bytes);
        assert!(said.as_ref().is_err_and(|why| why.contains("longer than any") || why.contains("damaged")), "{what}: {said:?}");
    }
    assert!(read(&with_tables(&headers)).is_err(), "loaders");
}

#[test]
fn damaged_caches_list_less() {
    if let Ok(whole) = std::fs::read("/etc/ld.so.cache") {
        let parse = |bytes: &[u8]| cache::Cache::parse(bytes).lookup("libc.so.6").len();
        for at in (0..200).chain((200..whole.len()).step_by(997)) {
            parse(&whole[..at]);
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            parse(&damaged);
        }
    }
    // Entries that share one long text.
    let shared = |count: u32| {
        let name = 48 + 24 * count;
        let entry = [FLAGS, name, name + 5, 0, 0, 1 << 30].map(u32::to_le_bytes).concat();
        let header = [&b"glibc-ld.so.cache1.1"[..], &count.to_le_bytes(), &[0; 24]].concat();
        let bytes = [header, entry.repeat(count as usize), format!("l.so\0/c/{}\0", "x".repeat(4000)).into_bytes()].concat();
        cache::Cache::parse(&bytes).lookup("l.so").len()
    };
    assert_eq!((shared(3), shared(10_000)), (3, 0));
    let list = cache(&[("l.so", "/c/l.so", 0)]);
    let old = [&b"ld.so-1.7.0\0"[..], &1_u32.to_le_bytes(), &[0; 12], &[0; 4], &list].concat();
    let parsed = |bytes: &[u8]| cache::Cache::parse(bytes).lookup("l.so").to_vec();
    assert_eq!((parsed(&list), parsed(&old)), (vec!["/c/l.so".to_owned()], vec!["/c/l.so".to_owned()]));
    for bytes in [&list, &old] {
        for length in 0..bytes.len() {
            assert!(parsed(&bytes[..length]).is_empty(), "{length}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] = 0xff;
            parsed(&damaged);
        }
    }
}

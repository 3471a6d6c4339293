//! What programs of the host need, against real ones. Completeness is shown by a root that holds nothing but what was found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod bare_root;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use bare_root::{SYSTEM_PATH, Scratch, again_as_nobody, inside, said};
use remand_engine::interpreter::{find, program};
use remand_trial::{Check, End};

remand_trial::tests!(
    programs_run_in_a_root_of_only_what_was_found,
    listing_libraries_executes_nothing_of_the_program,
    libraries_known_by_the_loaders_cache_alone_bring_the_cache,
    a_lying_interpreter_names_nothing_else_of_the_host_into_a_run,
    all_of_it_as_nobody
);

/// By the compiler that linked this test.
fn compile(args: &[&str]) {
    assert!(Command::new("cc").args(args).status().unwrap().success(), "{args:?}");
}

fn programs_run_in_a_root_of_only_what_was_found() -> Check {
    let ls = program("ls", SYSTEM_PATH, None).unwrap();
    let output = inside(&[&ls.tree], &[&ls.path, "/"])?;
    assert!(said(&output).unwrap().contains("usr"));
    let scratch = Scratch::new("programs");
    let script = scratch.join("s");
    remand_trial::program::write(&script, "#!/usr/bin/env -S sh -e\necho from a script\n")?;
    let found = program(&script, SYSTEM_PATH, None).unwrap();
    assert_eq!(said(&inside(&[&found.tree], &[&found.path])?).unwrap(), "from a script");
    let python = program("python3", format!("{}:{SYSTEM_PATH}", scratch.0.display()).as_str(), None).unwrap();
    assert_eq!(said(&inside(&[&python.tree], &[&python.path, "-c", "import json; print(json.dumps(1))"])?).unwrap(), "1");
    let link = scratch.join("link");
    symlink("/bin/ls", &link).unwrap();
    assert!(program(&link, "", None).unwrap().tree.links.iter().any(|(path, _)| *path == link));
    for missing in ["no-such-program", "/proc/none", "/etc/passwd", "/etc"] {
        assert!(program(missing, SYSTEM_PATH, None).is_err(), "{missing}");
    }
    Ok(())
}

fn listing_libraries_executes_nothing_of_the_program() {
    let scratch = Scratch::new("audit");
    let (source, main, marker) = (scratch.join("a.c"), scratch.join("m.c"), scratch.join("ran"));
    let code = "#include <fcntl.h>\nunsigned la_version(unsigned v) { open(MARK, O_CREAT | O_WRONLY, 0600); return v; }";
    std::fs::write(&source, code).unwrap();
    std::fs::write(&main, "int main(void) { return 0; }").unwrap();
    let (audit, evil) = (scratch.join("audit.so"), scratch.join("evil"));
    let mark = format!("-DMARK=\"{marker}\"");
    compile(&["-shared", "-fPIC", &mark, &source, "-o", &audit]);
    compile(&[&main, "-o", &evil, &format!("-Wl,--audit,{audit}")]);
    let loader = find("/usr/bin/python3", "", false).unwrap().interpreter;
    let loader = loader.core.binds.keys().find(|bind| bind.contains("/ld-")).unwrap();
    Command::new(loader).args(["--list", &evil]).output().unwrap();
    assert!(Path::new(&marker).exists(), "control: asked unconfined, the loader runs the program's code");
    std::fs::remove_file(&marker).unwrap();
    let _ = program(&evil, "", None);
    assert!(!Path::new(&marker).exists());
}

fn libraries_known_by_the_loaders_cache_alone_bring_the_cache() -> Check {
    let output = Command::new("/sbin/ldconfig").arg("-p").output().map_err(|_| End::Skip("ldconfig".to_owned()))?;
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let system = |path: &str| {
        let own = format!("{}-linux-gnu", std::env::consts::ARCH);
        Path::new(path).parent().is_some_and(|dir| dir.ends_with(&own) || dir.ends_with("lib64") || dir == Path::new("/lib"))
    };
    let mut libraries = listed.lines().filter_map(|line| line.rsplit_once(" => ")).map(|(_, path)| path);
    let library = libraries.find(|path| !system(path)).ok_or_else(|| End::Skip("a library that ld.so.cache alone knows".to_owned()))?;
    let scratch = Scratch::new("cached");
    let (source, main) = (scratch.join("m.c"), scratch.join("main"));
    std::fs::write(&source, "int main(void) { return 0; }").unwrap();
    compile(&[&source, "-o", &main, "-Wl,--no-as-needed", library]);
    let found = program(&main, "", None).unwrap();
    assert!(found.tree.binds.keys().any(|bind| bind == "/etc/ld.so.cache"), "{:?}", found.tree);
    assert!(!program("/bin/ls", "", None).unwrap().tree.binds.keys().any(|bind| bind == "/etc/ld.so.cache"));
    let output = inside(&[&found.tree], &[&main])?;
    assert!(output.status.success(), "{output:?}");
    Ok(())
}

fn a_lying_interpreter_names_nothing_else_of_the_host_into_a_run() {
    let scratch = Scratch::new("liar");
    let secret = scratch.join("secret");
    std::fs::create_dir(&secret).unwrap();
    std::fs::write(scratch.join("secret/key"), "secret").unwrap();
    let honest = find("/usr/bin/python3", "", false).unwrap().interpreter;
    let stdlib = honest.core.binds.keys().find(|bind| Path::new(bind).join("os.py").exists()).unwrap();
    for name in ["lib-dynload", "zoneinfo", "site-packages"] {
        symlink(&secret, scratch.join(name)).unwrap();
    }
    symlink(scratch.join("secret/key"), scratch.join("pyvenv.cfg")).unwrap();
    let (here, python, (major, minor, patch)) = (scratch.0.display(), scratch.join("python3"), honest.version);
    let said = format!(
        r#"{{"implementation": "cpython", "version": [{major}, {minor}, {patch}], "prefix": "{here}", "executor": "00",
        "paths": ["{stdlib}", "{here}/lib-dynload", "{secret}"], "zoneinfo": ["{here}/zoneinfo"], "site": ["{here}/site-packages"]}}"#
    );
    let source = scratch.join("liar.c");
    std::fs::write(&source, format!("#include <stdio.h>\nint main(void) {{ return puts({:?}) < 0; }}", said.replace('\n', " "))).unwrap();
    compile(&[&source, "-o", &python]);
    let believed = find(&python, "", true).unwrap().interpreter;
    assert!(believed.core.binds.contains_key(stdlib), "control: the rest of its answer is taken");
    let all = format!("{:?} {:?} {:?}", believed.core, believed.site, believed.site_paths);
    assert!(!all.contains("secret"), "{all}");
    let all = format!("{:?}", program(&python, "", None).unwrap().tree);
    assert!(all.contains("python3") && !all.contains("secret"), "{all}");
}

fn all_of_it_as_nobody() -> Check {
    again_as_nobody(|_| ())
}

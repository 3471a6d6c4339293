//! Words that other tools have for what a policy says: systemd, Docker and Compose, OCI, Kubernetes, nsjail, firejail, bubblewrap, isolate, libseccomp.
//!
//! Always holds: a word stands here once, without case, `_`, `-`, `.` and blanks, so `MemoryMax`, `memory_max` and `memory-max` are one; no word is a field.

/// What to write here for a word from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// This field, by its dotted path.
    Field(&'static str),
    /// No field says it; this does.
    Say(&'static str),
}

/// What the word means in the section `field` (entries of lists as `filesystem.mounts[]`).
pub(super) fn meant(word: &str, field: &str) -> Option<Meant> {
    let bare = bare(word);
    let known = |words: &str| words.split_ascii_whitespace().any(|known| known == bare);
    let here = HERE.iter().find(|(section, words, _)| *section == field && known(words)).map(|(_, _, say)| Meant::Say(say));
    // Inside of an entry a word of the whole file means nothing.
    let anywhere = || {
        let said = SAID.iter().find(|(_, words)| known(words)).map(|(say, _)| Meant::Say(say));
        said.or_else(|| FIELDS.iter().find(|(_, words)| known(words)).map(|(path, _)| Meant::Field(path)))
    };
    if field.ends_with("[]") { here } else { here.or_else(anywhere) }
}

fn bare(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.')).flat_map(char::to_lowercase).collect()
}

/// Fields, and their names elsewhere.
const FIELDS: &[(&str, &str)] = &[
    (
        "limits.memory",
        "memorymax memorylimit memlimit maxmemory mem ram memorylimitinbytes memoryhigh memorysize maxmem cgroupmemmax cgmem vmem",
    ),
    ("limits.memory", "limitas rlimitas limitrss rlimitrss limitdata rlimitdata addressspace"),
    (
        "limits.pids",
        "pidslimit pidsmax maxpids tasksmax tasks nproc limitnproc rlimitnproc processes threads maxprocesses maxprocs maxthreads",
    ),
    ("limits.pids", "cgrouppidsmax proclimit processlimit numprocesses"),
    ("limits.cpus", "cpu cpuquota nanocpus cpucount numcpus ncpus vcpus cores maxcpus maxcpu cpuperiod cgroupcpumspersec"),
    ("limits.cpu_time", "cpulimit limitcpu rlimitcpu cputimelimit maxcputime"),
    (
        "limits.wall_time",
        "timeout timelimit deadline time runtimemaxsec timeoutsec timeoutstopsec activedeadlineseconds walltimelimit maxtime",
    ),
    ("limits.wall_time", "maxruntime executiontimeout timeoutseconds realtimelimit clocklimit duration maxduration"),
    ("limits.open_files", "nofile limitnofile rlimitnofile fds maxfds maxopenfiles openfileslimit descriptors filedescriptors"),
    ("limits.file_size", "fsize limitfsize rlimitfsize maxfilesize filesizelimit"),
    ("limits.stack", "stacksize stacklimit limitstack rlimitstack maxstack"),
    ("limits.stdout", "outputlimit maxoutput outputsize maxoutputsize"),
    ("limits", "resources rlimits rlimit ulimits ulimit quotas quota limitations"),
    ("filesystem.tmp", "tmpfs privatetmp tmpsize tmpfssize temporaryfilesystem scratch"),
    ("filesystem.mounts", "bind binds bindmount bindmounts volume volumes volumemounts mount bindpaths bindreadonlypaths bindro robind"),
    (
        "filesystem.mounts",
        "readwritepaths readonlypaths execpaths readwritedirectories readonlydirectories extrabinds hostpath mountpoints",
    ),
    ("filesystem.devices", "device deviceallow privatedevices linuxdevices"),
    ("filesystem.proc", "procfs mountproc protectproc procsubset"),
    ("filesystem", "fs filesystems storage"),
    ("syscalls", "seccomp syscall systemcalls seccompprofile seccompfilter seccomppolicy seccompstring"),
    ("syscalls.allow", "systemcallfilter allowedsyscalls syscallsallowed seccompkeep allowsyscalls syscallallowlist"),
    ("syscalls.deny", "seccompdrop deniedsyscalls blockedsyscalls syscallblacklist denysyscalls"),
    ("syscalls.kill", "killsyscalls seccompkill"),
    ("syscalls.quiet", "quietsyscalls silentsyscalls ignoredsyscalls expectedsyscalls seccompquiet"),
    ("network.mode", "networkmode net networks clonenewnet unsharenet sharenet hostnetwork"),
    ("network.mode", "allownetwork internet networking networkenabled networkaccess enablenetwork joinsnamespaceof"),
    ("request", "requests allowrequest allowrequests"),
    ("environment", "env environ envs envvar envvars setenv environmentvariables passenvironment variables keepenv"),
    ("extends", "base from include inherit inherits extend parent template"),
    ("python.interpreter", "python3 pythonbin pythonpath pythonexecutable pythonversion"),
    ("python.stdlib_allow", "modules allowedmodules imports allowedimports importallowlist stdlib"),
    ("python.external_allow", "packages requirements dependencies allowedpackages pippackages externalmodules"),
    ("python.builtins_deny", "builtins deniedbuiltins blockedbuiltins"),
    ("namespaces", "ns unshare linuxnamespaces privateusers"),
];

/// What needs no field, or has none, and the words for it.
const SAID: &[(&str, &str)] = &[
    (
        "nothing to write: every run has no_new_privs set and is not privileged",
        "nonewprivileges nonewprivs securityopt privileged allowprivilegeescalation restrictsuidsgid disablenonewprivs securitycontext",
    ),
    (
        "nothing to write: no run holds a capability, and none can be given",
        "capadd capdrop cap caps capabilities keepcaps ambientcapabilities capabilityboundingset dropcapabilities addcapabilities",
    ),
    (
        "nothing to write: the root of a run is read-only; what may be written is /tmp and a mount with \"writable\": true and a \"reason\"",
        "readonly readonlyrootfs readonlyroot readonlyrootfilesystem protectsystem rw readwrite protectkerneltunables protectcontrolgroups",
    ),
    (
        "there is no image: a run has a root of its own, made of the interpreter and filesystem.mounts",
        "rootfs image rootdirectory rootimage chroot root newroot build container mountapivfs",
    ),
    ("nothing to write: no home of the host is shown", "protecthome privatehome"),
    (
        "a run has ids of its own that remand chooses; namespaces.own_uid says whether no other run may have them",
        "user uid gid group groups username usergroup runasuser runasgroup runasnonroot uidmap gidmap uidmappings gidmappings dynamicuser usernsmode \
         userns supplementarygroups insideuser outsideuser",
    ),
    ("there is no /dev/shm; filesystem.tmp.size is the size of /tmp", "shmsize devshm ipcmode shm"),
    (
        "no field is about swap: where this host's cgroups can bound it, a run gets none",
        "memoryswap memswaplimit memoryswapmax memoryswappiness swap memswap",
    ),
    ("every run starts in /workspace; code can call os.chdir", "workdir workingdir workingdirectory cwd chdir"),
    ("every run has the host name remand", "hostname domainname"),
    (
        "names are looked up as filesystem.mounts allows: show /etc/resolv.conf beside network.mode \"host\"",
        "dns dnssearch dnsopt resolvconf extrahosts addhost nameservers",
    ),
    (
        "hosts and ports cannot be listed: network.mode is \"none\", \"loopback\" or \"host\"",
        "allowedhosts allowhosts alloweddomains egress ingress firewall netfilter ipaddressallow ipaddressdeny ports expose publish portmappings links \
         socketbindallow socketbinddeny",
    ),
    (
        "grant the socket call for chosen families: \"syscalls\": {\"allow\": {\"add\": [{\"call\": \"socket\", \"when\": [{\"arg\": 0, \"equals\": 1}], \"reason\": \"...\"}]}}",
        "restrictaddressfamilies addressfamilies protocol protocols",
    ),
    ("write \"filesystem\": {\"proc\": false}, and there is no /proc", "disableproc noproc"),
    (
        "network.mode says it: \"none\", \"loopback\" or \"host\"",
        "privatenetwork networkdisabled disablenetwork nonetwork disableclonenewnet",
    ),
    ("system calls are denied by syscalls.deny; files by nothing: a run sees what filesystem.mounts shows", "blocklist blacklist denylist"),
    ("system calls are allowed by syscalls.allow, files shown by filesystem.mounts", "allowlist whitelist"),
    ("limits.open_files bounds descriptors, filesystem.mounts shows files of the host", "files file"),
    ("no run has a graphics card", "gpus gpu"),
    (
        "what runs is said to the command: remand run FILE, or remand exec -- PROGRAM",
        "command entrypoint args argv exec execstart cmd script code shell",
    ),
    (
        "what syscalls.allow does not grant is refused with EPERM, without a default to choose",
        "defaultaction defaulterrnoret onviolation systemcallerrornumber action",
    ),
    ("nothing to write: calls of another instruction set are refused", "architectures archmap systemcallarchitectures arch"),
    (
        "which processors and with what weight is not a policy's matter; limits.cpus is how much of them",
        "cpuset cpusetcpus cpusetmems allowedcpus cpuaffinity cpushares cpuweight nice niceness ioweight blkioweight ioschedulingclass",
    ),
    ("nothing to write: of all processes of the host, runs go first where memory runs out", "oomkilldisable oomscoreadj oompolicy"),
    ("not a policy's matter: landlock restricts files, syscalls calls", "apparmor apparmorprofile selinux selinuxoptions selinuxcontext"),
    ("write the variables one by one under \"environment\"; no file is read", "envfile environmentfile"),
    ("denied calls are always in the outcome", "log logging syscalllog systemcalllog audit"),
    ("nothing to write: every run is killed with all of its processes at its end", "killmode diewithparent restart killsignal init"),
    ("a policy has the name of its file", "name id title label"),
];

/// Words within one section.
const HERE: &[(&str, &str, &str)] = &[
    (
        "filesystem.mounts[]",
        "mode options option flags opts access permission permissions ro readonly rw readwrite type propagation bind noexec nosuid nodev nowrite",
        "a mount is read-only; \"writable\": true with a \"reason\" lets runs write, \"exec\": true lets them start programs from it",
    ),
    ("filesystem.mounts[]", "src path from host hostpath file dir directory source path", "did you mean \"source\"?"),
    ("filesystem.mounts[]", "dst dest destination to containerpath mountpath mountpoint at", "did you mean \"target\"?"),
    ("filesystem.mounts[]", "missingok ignoremissing", "did you mean \"optional\"?"),
    ("filesystem.mounts[]", "required mandatory", "a mount is required where it does not say \"optional\": true"),
    ("filesystem.tmp", "limit max bytes memory", "did you mean \"size\"?"),
    ("filesystem.tmp", "nrinodes files maxfiles", "did you mean \"inodes\"?"),
    ("filesystem.tmp", "executable", "did you mean \"exec\"?"),
    ("filesystem.tmp", "noexec", "write \"exec\": false"),
    ("filesystem.tmp", "nosuid nodev options flags opts", "nothing to write: no set-id bit and no device in /tmp has an effect"),
    (
        "filesystem",
        "deny denied hide hidden exclude blacklist denylist blocklist inaccessiblepaths inaccessible noread nowrite",
        "nothing to write: a run sees what filesystem.mounts shows, and nothing else of the host",
    ),
    (
        "filesystem",
        "read write allow allowed paths path whitelist allowlist readpaths writepaths",
        "write a mount for each: \"mounts\": [{\"source\": \"/srv/data\"}]; \"writable\": true with a \"reason\" lets runs write",
    ),
    ("python", "version pythonversion minversion", "which Python runs is said by \"interpreter\": \"python3.11\", or the path of one"),
    ("python", "venv virtualenv prefix home", "did you mean \"interpreter\"? Of a virtual environment, it is the path of its bin/python"),
    (
        "python",
        "stdlibdeny externaldeny deny denied modulesdeny deniedmodules importdeny",
        "what is not in python.stdlib_allow or python.external_allow is refused already",
    ),
    ("python", "builtinsallow allow", "every builtin is there but those in python.builtins_deny"),
    ("syscalls.allow[]", "name names syscall syscalls group", "did you mean \"call\"?"),
    (
        "syscalls.allow[]",
        "args arguments conditions condition if filter",
        "did you mean \"when\"? It is written \"when\": [{\"arg\": 0, \"equals\": 1}]",
    ),
    ("syscalls.allow[]", "comment why because justification", "did you mean \"reason\"?"),
    (
        "syscalls.allow[]",
        "action errno errnoret",
        "a grant allows; what is to be refused is left out, or stands in syscalls.deny or syscalls.kill",
    ),
    (
        "syscalls.allow[].when[]",
        "op value valuetwo eq equal is",
        "write a comparison: {\"arg\": 0, \"equals\": 1}, or \"one_of\", \"at_most\", \"masked\"",
    ),
    ("syscalls.allow[].when[]", "index argument a n", "did you mean \"arg\"?"),
    ("syscalls.allow[].when[]", "in oneof anyof values", "did you mean \"one_of\"?"),
    ("syscalls.allow[].when[]", "max le lt less", "did you mean \"at_most\"?"),
    (
        "syscalls.allow[].when[]",
        "mask maskedeq maskedequal bits flags",
        "did you mean \"masked\"? It is written \"masked\": {\"mask\": 1, \"value\": 1}",
    ),
    (
        "network",
        "allow deny hosts domains addresses allowlist rules ports port proxy",
        "hosts and ports cannot be listed: network.mode is \"none\", \"loopback\" or \"host\"",
    ),
    ("network", "enabled enable type driver kind", "did you mean \"mode\"? It is \"none\", \"loopback\" or \"host\""),
    (
        "namespaces",
        "user mount mnt pid",
        "nothing to write: every run has user, mount and PID namespaces of its own, and without them there is none",
    ),
    ("limits", "extends", "\"extends\" stands at the top of the file, beside \"limits\""),
    ("limits", "disk diskquota storage", "did you mean limits.file_size or filesystem.tmp.size?"),
    ("expect[]", "syscall function name", "did you mean \"call\"?"),
    ("expect[]", "path file", "did you mean \"open\", \"read\", \"write\" or \"exec\"?"),
    ("expect[]", "result answer expected should expect", "did you mean \"is\"?"),
    ("expect[]", "module", "did you mean \"import\"?"),
    ("expect[]", "comment why because", "did you mean \"reason\"?"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn a_word_stands_once_and_leads_to_a_field() {
        let tree = Policy::floor("").tree();
        for (path, _) in FIELDS {
            let found = path.split('.').try_fold(&tree, |tree, key| tree.get(key));
            assert!(*path == "extends" || found.is_some(), "{path}");
        }
        let all = FIELDS.iter().map(|(_, words)| *words).chain(SAID.iter().map(|(_, words)| *words));
        let mut all: Vec<&str> = all.flat_map(str::split_ascii_whitespace).collect();
        assert!(all.iter().all(|word| bare(word) == *word));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "a word stands twice");
    }

    #[test]
    fn one_word_in_every_spelling_and_place() {
        for word in ["MemoryMax", "memory_max", "memory-max", "MEMORY.MAX"] {
            assert_eq!(meant(word, "limits"), Some(Meant::Field("limits.memory")), "{word}");
        }
        assert!(matches!(meant("mode", "filesystem.mounts[]"), Some(Meant::Say(say)) if say.starts_with("a mount is read-only")));
        assert_eq!(meant("memory_max", "filesystem.mounts[]"), None);
        assert_eq!(meant("memroy", ""), None);
    }
}

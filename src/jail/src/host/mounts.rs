//! `/proc/self/mountinfo`: what is mounted where.
//!
//! Always holds: a line that does not parse is left out; paths are unescaped.

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount<'a> {
    /// The directory of the file system that shows at `point`.
    pub(super) root: String,
    pub(super) point: String,
    pub(super) kind: &'a str,
    /// The file system's own options.
    pub(super) options: &'a str,
}

/// Every mount whose file system type is one of `kinds`.
pub(super) fn of_kinds<'a>(mountinfo: &'a str, kinds: &[&str]) -> Vec<Mount<'a>> {
    mountinfo.lines().filter_map(parse).filter(|mount| kinds.contains(&mount.kind)).collect()
}

/// Whether some mount is this process's root directory. In a chroot it mostly is not.
pub(super) fn has_root(mountinfo: &str) -> bool {
    mountinfo.lines().any(|line| line.split(' ').nth(4) == Some("/"))
}

/// Mount points whose path begins so, each once.
pub(super) fn beneath(mountinfo: &str, prefix: &str) -> Vec<String> {
    let mut points: Vec<String> =
        mountinfo.lines().filter_map(parse).map(|mount| mount.point).filter(|point| point.starts_with(prefix)).collect();
    points.sort();
    points.dedup();
    points
}

fn parse(line: &str) -> Option<Mount<'_>> {
    // 36 35 98:0 /root /point rw,noatime optional:1 optional:2 - ext3 /dev/root rw,errors=continue
    let (place, what) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let mut what = what.split(' ');
    Some(Mount {
        root: unescape(place.next()?),
        point: unescape(place.next()?),
        kind: what.next()?,
        options: what.nth(1).unwrap_or_default(),
    })
}

/// Space, tab, newline and backslash are written as three octal digits.
fn unescape(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if byte.is_ascii() => {
                plain.push(char::from(byte));
                plain.push_str(part.get(3..).unwrap_or_default());
            }
            _ => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let line = r"121 1731 0:42 /a\040b /sys/fs/c\134d rw,nosuid shared:68 master:66 - cgroup cgroup rw,cpu,cpuacct";
        let mount = Mount { root: "/a b".into(), point: "/sys/fs/c\\d".into(), kind: "cgroup", options: "rw,cpu,cpuacct" };
        assert_eq!(parse(line).unwrap(), mount);
        assert_eq!(of_kinds(line, &["cgroup2"]), []);
    }

    #[test]
    fn odd_lines_are_left_out() {
        for line in ["", " - ", "1 2 3 - x", "1 2 3 / - ext4", "no dash at all 1 2 3 4 5"] {
            assert_eq!(parse(line), None, "{line:?}");
        }
        assert_eq!(unescape(r"a\9"), r"a\9");
        assert_eq!(unescape(r"a\777"), r"a\777");
        assert_eq!(unescape(r"\"), r"\");
    }

    #[test]
    fn a_root_that_is_no_mount_is_a_chroot() {
        assert!(has_root("22 27 0:21 / /proc rw - proc proc rw\n27 1 254:0 / / rw - ext4 /dev/vda rw"));
        assert!(!has_root("22 27 0:21 / /proc rw - proc proc rw"));
    }
}

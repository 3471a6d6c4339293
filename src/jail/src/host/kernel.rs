//! Which kernel runs.

/// The running kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kernel {
    pub(super) release: String,
    /// The upstream version, also where the distribution's own number hides it.
    pub(super) version: (u32, u32, u32),
}

pub(super) fn running() -> Kernel {
    let Ok(name) = nix::sys::utsname::uname() else { return Kernel { release: String::new(), version: (0, 0, 0) } };
    let (release, build) = (name.release().to_string_lossy(), name.version().to_string_lossy());
    Kernel { version: version(&release, &build), release: release.into_owned() }
}

fn version(release: &str, build: &str) -> (u32, u32, u32) {
    // Debian: release 6.1.0-18-amd64, build "... Debian 6.1.76-1 (2024-02-01)".
    build.split_once("Debian ").and_then(|(_, version)| numbers(version)).or_else(|| numbers(release)).unwrap_or((0, 0, 0))
}

fn numbers(text: &str) -> Option<(u32, u32, u32)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let mut parts = text.get(..end)?.split('.').map(str::parse);
    let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
    // "7.3-rc1" has no third.
    Some((major, minor, parts.next().and_then(Result::ok).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version("6.18.44-fc-v595", "#1 SMP PREEMPT_DYNAMIC @0"), (6, 18, 44));
        assert_eq!(version("6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)"), (6, 1, 76));
        assert_eq!(version("6.12.9+bpo-amd64", "#1 SMP Debian 6.12.9-1~bpo12+1"), (6, 12, 9));
        assert_eq!(version("5.15.0-91-generic", "#101-Ubuntu SMP"), (5, 15, 0));
        assert_eq!(version("7.3-rc1", ""), (7, 3, 0));
        for odd in ["", "x", "6", "6.", ".1", "99999999999.1"] {
            assert_eq!(version(odd, odd), (0, 0, 0), "{odd}");
        }
    }

    #[test]
    fn this_one_has_a_version() {
        assert!(running().version > (4, 0, 0));
    }
}

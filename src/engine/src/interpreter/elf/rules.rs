//! The rules of a C library's loader: where it looks, and what it takes for what.
//!
//! Always holds: where builds of one C library differ (the directory that `$LIB` stands for, default directories, kinds of processors), the rules have
//! the places of all of them.

use super::cache::Cache;
use crate::interpreter::reach::Reach;

#[cfg(target_arch = "x86_64")]
mod arch {
    pub(super) const NAME: &str = "x86_64";
    pub(super) const TRIPLET: &str = "x86_64-linux-gnu";
    pub(super) const PLATFORMS: &[&str] = &["x86_64", "haswell", "xeon_phi"];
    pub(super) const LEVELS: &[&str] = &["x86-64-v4", "x86-64-v3", "x86-64-v2"];
    pub(super) const OLD_LEVELS: &[&str] = &["tls", "haswell", "xeon_phi", "avx512_1", "x86_64"];
}
#[cfg(target_arch = "aarch64")]
mod arch {
    pub(super) const NAME: &str = "aarch64";
    pub(super) const TRIPLET: &str = "aarch64-linux-gnu";
    pub(super) const PLATFORMS: &[&str] = &["aarch64"];
    pub(super) const LEVELS: &[&str] = &[];
    pub(super) const OLD_LEVELS: &[&str] = &["tls", "aarch64", "atomics"];
}

/// Directories below `glibc-hwcaps`.
pub(super) const LEVELS: &[&str] = arch::LEVELS;
/// Directories that glibc before 2.37 looks into, one below the other in this order, any of them left out.
pub(super) const OLD_LEVELS: &[&str] = arch::OLD_LEVELS;
/// What `$PLATFORM` may stand for.
pub(super) const PLATFORMS: &[&str] = arch::PLATFORMS;

/// Names that musl has in itself: its loader is its C library.
const MUSL_OWN: &[&str] = &["libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."];
const MUSL_DIRECTORIES: &str = "/lib:/usr/local/lib:/usr/lib";
const GLIBC_CACHE: &str = "/etc/ld.so.cache";
/// Largest list of libraries that is followed; usual ones have some 100 KiB.
const MAX_CACHE: usize = 4 << 20;
/// Largest list of directories that is followed; usual ones have one line.
const MAX_LIST: usize = 64 << 10;

/// What the host's configuration adds.
#[derive(Debug)]
pub(super) enum Listing {
    Cache(Cache),
    Directories(Vec<String>),
}

/// How one loader looks for libraries.
#[derive(Debug)]
pub(super) struct Rules {
    pub musl: bool,
    /// The host's own configuration of the loader, and what it says.
    pub listing: Option<(String, Listing)>,
    /// Where it looks at last; of musl, only without a listing.
    pub defaults: Vec<String>,
}

impl Rules {
    /// Of the loader with this name (`PT_INTERP`).
    pub(super) fn of(loader: &str, reach: &Reach<'_>) -> Self {
        let name = loader.rsplit('/').next().unwrap_or_default();
        if name.starts_with("ld-musl-") { Self::musl(loader, reach) } else { Self::glibc(loader, reach) }
    }

    fn glibc(loader: &str, reach: &Reach<'_>) -> Self {
        let cache = reach.bytes(GLIBC_CACHE, MAX_CACHE).map(|bytes| (GLIBC_CACHE.to_owned(), Listing::Cache(Cache::parse(&bytes))));
        let usual = libs().flat_map(|lib| [format!("/{lib}"), format!("/usr/{lib}")]);
        // A C library that is installed elsewhere has its own directory among them.
        let own = reach.content(loader).and_then(|found| Some(found.real.rsplit_once('/')?.0.to_owned()));
        let mut defaults: Vec<String> = usual.collect();
        defaults.extend(own.filter(|own| !defaults.contains(own)));
        Self { musl: false, listing: cache, defaults }
    }

    fn musl(loader: &str, reach: &Reach<'_>) -> Self {
        // Installed as PREFIX/lib/ld-musl-ARCH.so.1, it is configured below PREFIX.
        let prefix = loader.rsplitn(3, '/').nth(2).unwrap_or_default();
        let file = format!("{prefix}/etc/ld-musl-{}.path", arch::NAME);
        let text = reach.bytes(&file, MAX_LIST).and_then(|bytes| String::from_utf8(bytes).ok());
        let split = |text: &str| text.split([':', '\n']).filter(|part| part.starts_with('/')).map(str::to_owned).collect();
        let listing = text.map(|text| (file, Listing::Directories(split(&text))));
        Self { musl: true, listing, defaults: split(MUSL_DIRECTORIES) }
    }

    /// Whether a name stands for the loader itself.
    pub(super) fn is_loader(&self, name: &str) -> bool {
        self.musl && MUSL_OWN.iter().any(|own| name.starts_with(own))
    }
}

/// What `$LIB` may stand for.
pub(super) fn libs() -> impl Iterator<Item = String> {
    [format!("lib/{}", arch::TRIPLET), "lib64".to_owned(), "lib".to_owned()].into_iter()
}

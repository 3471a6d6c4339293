//! A pattern of cgroups: `/machine.slice/libpod-*.scope`.
//!
//! Always holds: it begins at the root and is compared name by name; what it matches is a cgroup as a whole, never a part of its name, with all below it.

/// The same, as far as a schema can say it.
pub const PATTERN: &str = r"^(/[^/]+)+$";

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub fn read(text: &str) -> Result<Self, (&'static str, &'static str)> {
        let rest = text.strip_prefix('/').ok_or(("does not begin at the root", "begin with /"))?;
        let names: Vec<String> = rest.split('/').map(str::to_owned).collect();
        if names.iter().any(|name| ["", ".", ".."].contains(&name.as_str())) {
            return Err(("has a name that no cgroup has", "write the names of cgroups, with one / before each"));
        }
        if text.contains("**") {
            return Err(("has **", "write one * for each name: what is below a cgroup belongs to it"));
        }
        if text.contains(['?', '[', '{']) {
            return Err(("has a sign that stands for nothing here", "write *, which stands for any part of one name"));
        }
        Ok(Self(names))
    }

    /// The cgroup that it matches of a path and those above it.
    #[must_use]
    pub fn ancestor<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut end = 0;
        let mut names = path.strip_prefix('/')?.split('/');
        for pattern in &self.0 {
            let name = names.next().filter(|name| matches(pattern, name))?;
            end += 1 + name.len();
        }
        path.get(..end)
    }
}

/// Whether a name is one of a pattern's. Each part between two * is found where it comes first.
fn matches(pattern: &str, name: &str) -> bool {
    if name.is_empty() || name == ".." {
        return false;
    }
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        let Some(at) = name.find(part) else { return false };
        name = name.get(at + part.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn whole_ancestors_from_the_root_on() {
        for (pattern, path, found) in [
            ("/system.slice/*.service", "/system.slice/a.service", Some("/system.slice/a.service")),
            ("/system.slice/*.service", "/system.slice/a.service/payload/x", Some("/system.slice/a.service")),
            ("/system.slice/*.service", "/user.slice/system.slice/a.service", None),
            ("/system.slice/*.service", "/system.slice/a.service-x", None),
            ("/system.slice/*.service", "/system.slice/x/a.service", None),
            ("/system.slice/*.service", "/system.slice", None),
            ("/system.slice", "/system.slicex/a", None),
            ("/a", "/a", Some("/a")),
            ("/a", "a", None),
            ("/*", "/", None),
            ("/*", "/../b", None),
            ("/p/libpod-*", "/p/libpod-", Some("/p/libpod-")),
            ("/*a*b", "/xaybb", Some("/xaybb")),
            ("/*a*b", "/xba", None),
            ("/a*a", "/a", None),
            ("/x*", "/X1", None),
        ] {
            assert_eq!(Pattern::read(pattern).unwrap().ancestor(path), found, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern() {
        for text in ["", "a", "a/b", "/", "//a", "/a/", "/a/../b", "/./a", "/a/**", "/a?", "/[ab]", "/{a,b}"] {
            assert!(Pattern::read(text).is_err(), "{text}");
        }
    }
}

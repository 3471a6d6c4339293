//! What a field of a policy is, and the macro that makes the types of the language from one entry per field: the struct, its narrowest value, the visit.
//!
//! Always holds: whatever visits the fields of a section meets each of them, in the order written.

use crate::places::inside;

/// One field of the section `S`, with a value of type `T`.
pub struct Field<S, T> {
    /// Dotted, such as `limits.memory`.
    pub path: &'static str,
    /// What it means; in the second paragraph what it becomes in the kernel.
    pub told: &'static str,
    /// Where its value lies.
    pub of: fn(&S) -> &T,
    /// The same, to be written.
    pub slot: fn(&mut S) -> &mut T,
}

impl<S, T> Field<S, T> {
    /// Its name in the section.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

/// What the greater value, or the longer list, of a field allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Greater {
    AllowsMore,
    AllowsLess,
}

/// What the texts of a list name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Packages and modules by their first component, or `*`.
    Modules,
    /// Builtins of Python.
    Builtins,
    /// System calls and groups.
    Calls,
    /// Interpreters: names, paths, directories in which they lie, or `*`.
    Interpreters,
    /// Environment variables: names, or beginnings of names with a `*` behind.
    Variables,
}

impl Names {
    /// Whether an entry of a list means all that another one does.
    #[must_use]
    pub fn covers(self, wide: &str, narrow: &str) -> bool {
        match self {
            Self::Modules | Self::Builtins | Self::Calls => wide == narrow,
            Self::Interpreters => wide == "*" || wide == narrow || wide.starts_with('/') && inside(narrow, wide),
            Self::Variables => wide == narrow || wide.strip_suffix('*').is_some_and(|start| narrow.starts_with(start)),
        }
    }
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saying {
    /// The policy's name, which no file writes.
    Name,
    /// A sentence for people; not inherited.
    Description,
    /// A name or a path of an interpreter.
    Interpreter,
    /// A path of the host.
    Source,
    /// A path inside of the run.
    Target,
}

/// A closed list of words, as policy files write them.
pub trait Word: Copy + PartialEq + 'static {
    /// Every value with its word.
    const WORDS: &'static [(&'static str, Self)];
    /// What the words are about.
    const ABOUT: &'static str = "";
    /// What each means, in the same order; empty where nothing is to be said.
    const MEANINGS: &'static [&'static str] = &[];

    /// The word of this value.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

/// Makes an enum of words, from narrow to wide.
macro_rules! words {
    ($($(#[doc = $about:literal])* $name:ident { $($(#[doc = $told:literal])* $value:ident $word:literal;)* })*) => {$(
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum $name {
            $($(#[doc = $told])* $value,)*
        }

        impl Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value)),*];
            const ABOUT: &'static str = concat!($($about, "\n"),*);
            const MEANINGS: &'static [&'static str] = &[$(concat!($($told, "\n"),*)),*];
        }
    )*};
}

/// Makes the struct of a section and its [`Fields`](crate::policy::Fields): `name: Type = narrowest, method(arguments);` for each field, where the method is
/// the one of [`Visitor`](crate::policy::Visitor) that visits it.
macro_rules! sections {
    ($($(#[doc = $about:literal])* $name:ident $above:literal { $($(#[doc = $told:literal])* $key:ident: $type:ty = $floor:expr, $visit:ident($($argument:expr),*);)* })*) => {$(
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[doc = $told])* pub $key: $type,)*
        }

        fields! { $(#[doc = $about])* $name $above { $($(#[doc = $told])* $key: $type = $floor, $visit($($argument),*);)* } }
    )*};
}

/// The same for a struct that is there.
macro_rules! fields {
    ($(#[doc = $about:literal])* $name:ident $above:literal { $($(#[doc = $told:literal])* $key:ident: $type:ty = $floor:expr, $visit:ident($($argument:expr),*);)* }) => {
        impl Fields for $name {
            const ABOUT: &'static str = concat!($($about, "\n"),*);

            fn narrowest() -> Self {
                Self { $($key: $floor,)* }
            }

            fn visit(visitor: &mut impl Visitor<Self>) {
                $(visitor.$visit(
                    &Field {
                        path: concat!($above, stringify!($key)),
                        told: concat!($($told, "\n"),*),
                        of: |section| &section.$key,
                        slot: |section| &mut section.$key,
                    },
                    $($argument),*
                );)*
            }
        }
    };
}

pub(crate) use {fields, sections, words};

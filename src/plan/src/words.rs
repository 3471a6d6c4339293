//! Closed lists whose members are told as one word each.
//!
//! Always holds: a member's word stands in one place, from which text, JSON, its schema and the list of all are made.

/// An enum, the word of each of its members, and all of them in order.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($member:ident $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[allow(missing_docs)]
        pub enum $name { $(#[serde(rename = $word)] $member),* }

        impl $name {
            /// All, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$member),*];

            /// Its word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$member => $word),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

pub(crate) use words;

//! One piece of advice, where it stands, and the collection of all.

/// Where a value stands.
pub(super) enum Spot {
    Field(String),
    /// An entry of a list, by its place in the policy's own list.
    Entry(&'static str, usize),
    /// The file as a whole.
    File,
}

pub(super) fn field(path: &str) -> Spot {
    Spot::Field(path.to_owned())
}

/// One thing to say, at the first of these spots that the file itself wrote; nowhere if it wrote none.
pub(super) struct Advice {
    pub at: Vec<Spot>,
    pub message: String,
    pub help: String,
}

/// Advice as it is collected.
#[derive(Default)]
pub(super) struct Found(pub Vec<Advice>);

impl Found {
    pub fn say(&mut self, at: impl IntoIterator<Item = Spot>, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Advice { at: at.into_iter().collect(), message: message.into(), help: help.into() });
    }
}

//! Files that a run left and its caller wanted.
//!
//! Always holds: a name is shown as it is: it has no character that a terminal acts on, and is beneath `/workspace`. The content is the code's own.

use data_encoding::{BASE64, HEXLOWER};
use remand_policy::text::terminal::escape_line;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::words::words;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct File {
    /// Its path beneath `/workspace`.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content, hex.
    pub sha256: String,
    /// What a file of such a name holds, as a web server would call it; the content may be anything.
    pub mime: String,
    /// Whether the run made it executable.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    /// Its content in base64, where it was not put elsewhere.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "in_base64")]
    #[schemars(with = "Option<String>")]
    pub content: Option<Vec<u8>>,
}

impl File {
    /// A file of this content.
    #[must_use]
    pub fn new(name: String, content: Vec<u8>, executable: bool) -> Self {
        Self {
            size: content.len() as u64,
            sha256: HEXLOWER.encode(&Sha256::digest(&content)),
            mime: mime_guess::from_path(&name).first_or_octet_stream().to_string(),
            name,
            executable,
            content: Some(content),
        }
    }
}

/// A file as a record has it.
#[derive(Deserialize)]
struct Written {
    name: String,
    size: u64,
    sha256: String,
    mime: String,
    #[serde(default)]
    executable: bool,
    #[serde(default)]
    content: Option<String>,
}

/// Whoever reads one may be about to write it: its name leads nowhere else, and its content is what the record says of it.
impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { name, size, sha256, mime, executable, content } = Written::deserialize(deserializer)?;
        if !is_plain(&name) || name.split('/').any(|part| ["", ".", ".."].contains(&part)) {
            return Err(D::Error::custom("a file whose name is none beneath a directory"));
        }
        let content = content.map(|text| BASE64.decode(text.as_bytes())).transpose().map_err(D::Error::custom)?;
        if content.as_ref().is_some_and(|content| content.len() as u64 != size || HEXLOWER.encode(&Sha256::digest(content)) != sha256) {
            return Err(D::Error::custom("a file whose content has another size or SHA-256 than is said of it"));
        }
        Ok(Self { name, size, sha256, mime, executable, content })
    }
}

/// Whether a name is shown as it is; one that is not would name something else to whoever reads it.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    escape_line(name) == name
}

/// Characters of a name that is told for people.
const SHOWN: usize = 200;

impl LeftOut {
    /// One of this name, which may be hostile.
    #[must_use]
    pub fn new(name: &str, why: Why) -> Self {
        let name = match name.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}...", name.get(..end).unwrap_or_default()),
            None => name.to_owned(),
        };
        Self { name: escape_line(&name).into_owned(), why }
    }
}

fn in_base64<S: Serializer>(content: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(content.as_deref().unwrap_or_default()))
}

/// A file that was wanted and is not among the others, or a directory that was not looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LeftOut {
    /// Its path beneath `/workspace`, escaped and cut where it is hostile.
    pub name: String,
    /// Why.
    pub why: Why,
}

words! {
    /// Why a file was left out.
    Why {
        Link "symbolic_link", Fifo "fifo", Socket "socket", Device "device", Name "name", Size "size", Count "count", Depth "depth", Entries "entries",
        Unreadable "unreadable", Exists "exists", Unwritten "unwritten", Record "record",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_read_is_what_it_says_and_leads_nowhere() {
        let file = File::new("out/a.txt".into(), b"abc".to_vec(), true);
        let written = serde_json::to_value(&file).unwrap();
        assert_eq!(serde_json::from_value::<File>(written.clone()).unwrap(), file);
        for name in ["/etc/passwd", "../a", "a/../../b", "", ".", "a//b", "a/", "a\nb"] {
            let mut hostile = written.clone();
            hostile["name"] = name.into();
            assert!(serde_json::from_value::<File>(hostile).is_err(), "{name:?}");
        }
        for (member, value) in [("size", 4.into()), ("sha256", "00".into()), ("content", "YWJk".into()), ("content", "*".into())] {
            let mut other = written.clone();
            other[member] = value;
            assert!(serde_json::from_value::<File>(other).is_err(), "{member}");
        }
    }

    #[test]
    fn a_file_is_told_by_name_and_content() {
        let file = File::new("out/plot.png".into(), b"abc".to_vec(), false);
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let told = serde_json::json!({ "name": "out/plot.png", "size": 3, "sha256": sha256, "mime": "image/png", "content": "YWJj" });
        assert_eq!(serde_json::to_value(&file).unwrap(), told);
        let mimes = ["a.csv", "a.json", "a.txt", "a", "a.png\u{301}", ".bashrc"].map(|name| File::new(name.into(), Vec::new(), true).mime);
        assert_eq!(
            mimes,
            [
                "text/csv",
                "application/json",
                "text/plain",
                "application/octet-stream",
                "application/octet-stream",
                "application/octet-stream"
            ]
        );
    }
}

//! What a program shows: MIME bundles, as notebooks have them.
//!
//! Always holds: names of types are such names; what is binary is base64, what is text is text; how much and how deep was checked before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{FrameError, malformed};
use crate::words::words;

words! {
    /// As what it is shown, in the words of the notebook format.
    ShownAs {
        DisplayData "display_data", ExecuteResult "execute_result",
    }
}

/// JSON by names.
pub(super) type Forms = BTreeMap<String, Box<RawValue>>;

/// Something that a program showed: an output of the notebook format.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Shown {
    /// Microseconds after user code could begin, as in `output`.
    pub us: u64,
    /// By `display()` or a figure, or as the value of the last expression.
    pub output_type: ShownAs,
    /// Its forms by MIME type: JSON types are any JSON; `image/*`, `audio/*`, `video/*` (but for `+xml`) and `application/pdf` are base64; all others are text.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub data: Forms,
    /// What is to be known of them, by type or in all.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub metadata: Forms,
}

impl Shown {
    /// A bundle whose keys and values were counted.
    pub(super) fn checked(output_type: ShownAs, data: Forms, metadata: Forms) -> Result<Self, FrameError> {
        if data.iter().any(|(mime, value)| !is_mime(mime) || !fits(mime, value.get())) {
            return Err(malformed("something shown whose type is none, or which is not of its type"));
        }
        Ok(Self { us: 0, output_type, data, metadata })
    }
}

/// Bytes of a type's name.
const LONGEST: usize = 100;

/// `type/subtype`, by the characters of RFC 6838.
fn is_mime(name: &str) -> bool {
    let half = |half: &str| {
        half.starts_with(|c: char| c.is_ascii_alphanumeric()) && half.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
    };
    name.len() <= LONGEST && name.split_once('/').is_some_and(|(kind, sub)| half(kind) && half(sub))
}

fn fits(mime: &str, value: &str) -> bool {
    if mime == "application/json" || mime.ends_with("+json") {
        return true;
    }
    let Some(text) = value.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return false };
    let binary = ["image/", "audio/", "video/"].iter().any(|kind| mime.starts_with(kind)) && !mime.ends_with("+xml");
    !(binary || mime == "application/pdf") || is_base64(text)
}

fn is_base64(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    text.len().is_multiple_of(4) && text.len() - bare.len() < 3 && bare.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'+' || c == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> Result<Shown, FrameError> {
        Shown::checked(ShownAs::DisplayData, serde_json::from_str(data).unwrap_or_default(), Forms::new())
    }

    #[test]
    fn each_type_is_what_it_says() {
        for good in [
            "{}",
            r#"{"text/plain":"a\"b"}"#,
            r#"{"image/png":"aGk="}"#,
            r#"{"image/svg+xml":"<svg/>"}"#,
            r#"{"application/json":[1],"application/vnd.x+json":{"a":null}}"#,
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            r#"{"text/plain":1}"#,
            r#"{"text/html":["a"]}"#,
            r#"{"image/png":"a"}"#,
            r#"{"image/png":"a==="}"#,
            r#"{"image/png":"aG\u006b="}"#,
            r#"{"image/jpeg":"<script>"}"#,
            r#"{"text":"a"}"#,
            r#"{"/x":"a"}"#,
            r#"{"a/b/c":"a"}"#,
            r#"{"a/\u001b[1m":"a"}"#,
        ] {
            assert!(matches!(read(bad), Err(FrameError::Malformed(_))), "{bad}");
        }
        assert!(read(&format!(r#"{{"a/{}":"x"}}"#, "b".repeat(99))).is_err());
    }
}

//! What a hostile front, a hostile supervisor or a broken configuration can say: read or refused, and what is read is what was written.

use remand_policy::source::Source;
use remand_serve::protocol::{Ask, Tell};
use remand_serve::{config, packed};

/// The first byte says what the others are.
pub fn holds(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 4 {
        0 => {
            if let Ok((call, ask)) = Ask::read(bytes) {
                assert_eq!(ask.packet(call), bytes);
            }
        }
        1 => {
            if let Ok((call, tell)) = Tell::read(bytes) {
                assert_eq!(tell.packet(call), bytes);
            }
        }
        2 => {
            if let Ok(request) = packed::unpack(bytes) {
                let packed = packed::pack(&request).expect("what was unpacked was kept whole");
                assert_eq!(packed::unpack(&packed), Ok(request));
            }
        }
        _ => {
            let source = Source { file: "serve.jsonc".into(), text: bytes.to_vec().into() };
            match config::read(&source, 4) {
                Err(problems) => assert!(!problems.is_empty()),
                Ok(config) => {
                    // Whatever the patterns: a whole group on the way to the path.
                    let path = format!("/{}", String::from_utf8_lossy(bytes));
                    if let Some((_, group)) = config.container(&path) {
                        assert!(path.strip_prefix(group).is_some_and(|below| below.is_empty() || below.starts_with('/')), "{group}");
                    }
                }
            }
        }
    }
}

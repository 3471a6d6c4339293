//! The health of this runner, for whoever asks by HTTP: a process that answers is well.
//!
//! Always holds: whatever is asked is answered the same; what is sent is thrown away, and only so much of it, for so long, from so many at once.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK";
/// How long somebody may take to go.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many are answered at once.
const AT_ONCE: usize = 64;

/// Answers, for ever. The listener does not block.
pub async fn answer(listener: TcpListener) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => drop(spawn_local(async move {
                let _ = timeout(PATIENCE, one(stream)).await; // who is gone or slow gets no more
                drop(place);
            })),
            // Too many descriptors, a connection that is gone already.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// A connection that is closed with something unread is reset, and its answer may be lost with it.
async fn one(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(ANSWER).await?;
    stream.shutdown().await?;
    let mut thrown = [0; 4096];
    let mut left = 64 << 10;
    loop {
        match stream.read(&mut thrown).await? {
            count if count > 0 && count < left => left -= count,
            _ => return Ok(()),
        }
    }
}

//! What is bounded, and at how much.

use std::time::Duration;

use remand_front::Bounds;

/// Largest body of a request, in bytes.
pub const LARGEST_BODY: usize = remand_plan::submission::LARGEST;
/// Largest packed request: what a body becomes.
pub const LARGEST_PACKED: u64 = 64 << 20;
/// Connections of one identity at once.
pub const CONNECTIONS: usize = 128;
/// Calls of one front at once that have no answer yet: its connections', and those that are being forgotten.
pub const CALLS: usize = 4 * CONNECTIONS;
/// Bytes of one request's headers, and how many headers.
pub const HEADER_BYTES: usize = 16 << 10;
/// See [`HEADER_BYTES`].
pub const HEADERS: usize = 64;
/// How long a connection may be idle, or its headers come.
pub const HEADER_TIME: Duration = Duration::from_secs(30);
/// How long a body may take.
pub const BODY_TIME: Duration = Duration::from_secs(60);
/// How long a reader may leave what it is sent unread.
pub const WRITE_TIME: Duration = Duration::from_secs(30);
/// How long a front without connections waits for the next.
pub const FRONT_IDLE: Duration = Duration::from_secs(30);
/// Large bodies that are there at once, in bytes: what one body becomes is several times its size.
pub const FRONT_BODIES: usize = 4 * LARGEST_BODY;
/// A body of at most so many bytes is small, and waits for no large one.
pub const SMALL_BODY: u64 = 256 << 10;
/// What a front may have. Bodies of several connections are there at once.
pub const BOUNDS: Bounds =
    Bounds { descriptors: 2 * CONNECTIONS as u64 + 64, address_space: 2 << 30, memory: LARGEST_PACKED, accepts: false };
/// Fronts at once.
pub const FRONTS: usize = 256;
/// Containers that are known at once.
pub const CONTAINERS: usize = 1024;
/// Bytes of events that are kept of one run.
pub const EVENTS: usize = 16 << 20;
/// Bytes of results that are kept for one tenant, and how many.
pub const KEPT_BYTES: usize = 64 << 20;
/// The same of all tenants together.
pub const KEPT_IN_ALL: usize = 1 << 30;
/// See [`KEPT_BYTES`].
pub const KEPT: usize = 1000;
/// How long what a policy becomes on this host is used before it is looked at again.
pub const PREPARED_FOR: Duration = Duration::from_secs(60);
/// How many such are kept.
pub const PREPARED: usize = 256;
/// How long runs may go on after the supervisor was told to end.
pub const GRACE: Duration = Duration::from_secs(10);
/// Forkservers that are kept.
pub const SERVERS: usize = 32;
/// Runs that one of them makes at once.
pub const SERVER_RUNS: u32 = 16;
/// How long one may take to set itself up before those that wait for it have one of their own.
pub const SERVER_PATIENCE: Duration = Duration::from_secs(30);
/// How long one is kept that nobody wants.
pub const SERVER_IDLE: Duration = Duration::from_secs(60);

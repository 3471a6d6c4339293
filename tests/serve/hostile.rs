//! A front that was taken over: this very program, which the supervisor starts as its front, and which does what the first byte of a connection says.
//!
//! Always holds: it speaks on the real socket to a real supervisor, with its own numbers, bounds and descriptors.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::cmsg_space;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use remand_serve::protocol::{Ask, Chosen, PACKET, Tags, Then};
use remand_serve::{FRONT, Form, Places};
use remand_tests::command::{Call, until};
use remand_tests::daemon::Daemon;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, ensure};

/// What this program is told to be a supervisor.
const WORD: &str = "--be-a-supervisor";
/// So many ways to misbehave, and what the supervisor says of each.
const WAYS: [&str; 11] = [
    "in no table",
    "in no table",
    "cannot be heard",
    "descriptors beside",
    "descriptors beside",
    "not sealed",
    "no memory",
    "malformed",
    "two calls one number",
    "too many calls",
    "more connections than it had",
];

/// Whether this process is one of the two, which is over then.
pub fn began() -> bool {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some(WORD) => {
            let places = Places { socket: words.next().map(Into::into), ..Places::default() };
            remand_serve::serve(&places, Form::Json, |line| eprintln!("{line}")).unwrap();
        }
        Some(FRONT) => taken_over(),
        _ => return false,
    }
    true
}

fn send(socket: BorrowedFd<'_>, packet: &[u8], beside: &[BorrowedFd<'_>]) {
    let numbers: Vec<_> = beside.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let control = &rights[..usize::from(!beside.is_empty())];
    // A supervisor that has had enough is what is tried.
    let _ = sendmsg::<()>(socket.as_raw_fd(), &[io::IoSlice::new(packet)], control, MsgFlags::MSG_NOSIGNAL, None);
}

/// Whether a connection came.
fn connection(socket: BorrowedFd<'_>) -> Option<i32> {
    let mut bytes = [0; 64];
    let mut parts = [io::IoSliceMut::new(&mut bytes)];
    let mut space = cmsg_space!([i32; 4]);
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty()).ok()?;
    message.cmsgs().ok()?.find_map(|control| match control {
        ControlMessageOwned::ScmRights(numbers) => numbers.first().copied(),
        _ => None,
    })
}

/// What the client sent first.
fn first_byte(number: i32) -> u8 {
    let mut byte = [0];
    let stream = remand_jail::inherited(number).map(UnixStream::from);
    let read = stream.map(|mut stream| stream.set_nonblocking(false).and_then(|()| stream.read_exact(&mut byte)));
    if matches!(read, Ok(Ok(()))) { byte[0] } else { 0 }
}

fn taken_over() {
    let socket = io::stdin();
    let socket = socket.as_fd();
    let Some(number) = connection(socket) else { return };
    let way = first_byte(number);
    misbehave(socket, way);
    // Until the supervisor ends this process, or ends itself: it has not shut itself in, and is not told of its parent's death.
    let _ = poll(&mut [PollFd::new(socket, PollFlags::empty())], PollTimeout::NONE);
}

fn submission(call: u64) -> Vec<u8> {
    Ask::Submit(Chosen { policy: "default".into(), narrowing: "{}".into() }, Then::Stream, Tags::default()).packet(call)
}

fn memory(bytes: &[u8], seal: bool) -> OwnedFd {
    let mut file = File::from(memfd_create("hostile", MFdFlags::MFD_ALLOW_SEALING).unwrap());
    file.write_all(bytes).unwrap();
    if seal {
        use nix::fcntl::{FcntlArg, SealFlag, fcntl};
        fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::all())).unwrap();
    }
    file.into()
}

fn misbehave(socket: BorrowedFd<'_>, way: u8) {
    match way {
        0 => send(socket, b"\xff\xff\xff", &[]),
        1 => send(socket, &[Ask::Policies.packet(1), vec![0]].concat(), &[]),
        2 => send(socket, &vec![1; PACKET + 1000], &[]),
        3 => send(socket, &submission(1), &[]),
        4 => send(socket, &Ask::Policies.packet(1), &[socket, socket]),
        5 => send(socket, &submission(1), &[memory(b"x", false).as_fd()]),
        6 => send(socket, &submission(1), &[socket]),
        7 => send(socket, &submission(1), &[memory(&[0xff; 4000], true).as_fd()]),
        8 => {
            // A run's call, taken twice by those who wait for its events.
            send(socket, &submission(1), &[memory(&whole(), true).as_fd()]);
            let run = told_run(socket);
            for _ in 0..3 {
                send(socket, &Ask::Events(run.clone(), 1000).packet(1), &[]);
            }
        }
        9 => {
            send(socket, &submission(1), &[memory(&whole(), true).as_fd()]);
            let run = told_run(socket);
            (2..2000).for_each(|call| send(socket, &Ask::Events(run.clone(), 1000).packet(call), &[]));
        }
        10 => (0..2).for_each(|_| send(socket, &Ask::Closed.packet(0), &[])),
        _ => {
            // Floods, and takes nothing of the answers; then it is gone.
            (0..20_000).for_each(|call| send(socket, &Ask::Look("x".into()).packet(call), &[]));
        }
    }
}

/// A request that is one: code that goes on.
fn whole() -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let bytes = |bytes: &[u8]| [&(bytes.len() as u64).to_le_bytes(), bytes].concat();
    [vec![0], text("while True: pass"), bytes(b"[\0\0\0\0"), bytes(b"N"), vec![0], text(""), text(""), vec![0], text("")].concat()
}

/// The id of the run that was taken.
fn told_run(socket: BorrowedFd<'_>) -> String {
    let mut bytes = [0; 256];
    let mut parts = [io::IoSliceMut::new(&mut bytes)];
    let length = recvmsg::<()>(socket.as_raw_fd(), &mut parts, None, MsgFlags::empty()).map_or(0, |message| message.bytes);
    String::from_utf8_lossy(bytes.get(17..length).unwrap_or_default()).into_owned()
}

pub fn front() -> Check {
    let own = std::env::current_exe()?;
    let daemon = Daemon::beside(Scratch::new(), |socket| Call::program(&own, &[WORD, socket]))?;
    // The one that was asked whether it is there.
    ensure(daemon.logs(&["front ended"]), "the first front", &daemon.log())?;
    for (way, said) in WAYS.iter().enumerate() {
        let before = daemon.log().lines().filter(|line| line.contains("front ended")).count();
        let _held = daemon.raw(&[u8::try_from(way).unwrap_or(0)])?;
        let ended = || daemon.log().lines().filter(|line| line.contains("front ended")).nth(before).map(str::to_owned);
        let ended = until(ended).unwrap_or_else(|| "still there".to_owned());
        ensure(ended.contains(said), said, &(way, ended))?;
        ensure(until(|| daemon.fronts().is_empty().then_some(())).is_some(), "ended", &daemon.fronts())?;
    }
    let cancelled = || (daemon.log().matches("\"verdict\":\"cancelled\"").count() == 2).then_some(());
    let runs = || daemon.log().lines().filter(|line| line.contains("\"event\":\"run\"")).map(str::to_owned).collect::<Vec<_>>();
    ensure(until(cancelled).is_some(), "with its runs", &runs())?;
    // One that floods and hears nothing holds up nobody: the next thing that is asked of the supervisor is done.
    let _flooding = daemon.raw(&[11])?;
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    ensure(daemon.logs(&["\"event\":\"reloaded\""]), "it goes on", &daemon.log())
}

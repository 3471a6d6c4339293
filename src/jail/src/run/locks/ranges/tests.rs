//! The same calls answered here and by the kernel, which keeps the locks of open file descriptions by the rules of all record locks.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{Seek, SeekFrom};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use super::super::request::{self, Open, SIZE, Wants};
use super::*;

const DESCRIPTIONS: usize = 4;
const SIZE_OF_FILE: i64 = 20;

/// Small numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick(&mut self, from: &[i64]) -> i64 {
        from[usize::try_from(self.roll(i64::try_from(from.len()).unwrap())).unwrap()]
    }
}

fn bytes(asked: &libc::flock) -> [u8; SIZE] {
    let mut all = [0; SIZE];
    all[0..2].copy_from_slice(&asked.l_type.to_ne_bytes());
    all[2..4].copy_from_slice(&asked.l_whence.to_ne_bytes());
    all[8..16].copy_from_slice(&asked.l_start.to_ne_bytes());
    all[16..24].copy_from_slice(&asked.l_len.to_ne_bytes());
    all[24..28].copy_from_slice(&asked.l_pid.to_ne_bytes());
    all
}

fn asked(dice: &mut Dice, tell: bool) -> libc::flock {
    let kinds = [libc::F_RDLCK, libc::F_WRLCK, libc::F_UNLCK, libc::F_RDLCK, libc::F_WRLCK, 77];
    let kinds = if tell { &kinds[3..5] } else { &kinds[..] };
    let kind = dice.pick(&kinds.iter().map(|kind| i64::from(*kind)).collect::<Vec<_>>());
    libc::flock {
        l_type: i16::try_from(kind).unwrap(),
        l_whence: i16::try_from(dice.pick(&[0, 0, 0, 0, 1, 2, 3])).unwrap(),
        l_start: [dice.roll(24), dice.roll(24), dice.roll(24) - 12, dice.pick(&[i64::MAX, i64::MIN, i64::MAX - 3, 1 << 40])]
            [usize::try_from(dice.roll(4)).unwrap()],
        l_len: [dice.roll(8), dice.roll(8), dice.roll(8) - 6, dice.pick(&[i64::MAX, i64::MIN, i64::MAX - 3, 5])]
            [usize::try_from(dice.roll(4)).unwrap()],
        l_pid: i32::try_from(dice.pick(&[0, 0, 0, 0, 0, 0, 0, 1])).unwrap(),
    }
}

/// What is kept here answers: the bytes of a question, or nothing.
fn here(ranges: &mut Ranges, owner: Owner, tell: bool, asked: &libc::flock, open: Open) -> Result<Option<[u8; SIZE]>, Errno> {
    let request = request::fcntl(tell, false, false, &bytes(asked), open)?;
    let lock = |exclusive| Lock { owner, exclusive, range: request.range };
    match request.wants {
        Wants::Tell { exclusive } => {
            let found = ranges.conflict(&lock(exclusive)).map(|lock| (lock.exclusive, lock.range, -1));
            return Ok(Some(request::told(bytes(asked), found)));
        }
        Wants::Lock { exclusive, .. } if ranges.conflict(&lock(exclusive)).is_some() => return Err(Errno::EAGAIN),
        Wants::Lock { exclusive, .. } => ranges.set(lock(exclusive)),
        Wants::Unlock => drop(ranges.cut(owner, request.range)),
    }
    Ok(None)
}

fn kernel(file: &File, tell: bool, asked: &libc::flock) -> Result<Option<[u8; SIZE]>, Errno> {
    let mut asked = *asked;
    if tell {
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut asked)).map(|_| Some(bytes(&asked)))
    } else {
        fcntl(file, FcntlArg::F_OFD_SETLK(&asked)).map(|_| None)
    }
}

#[test]
fn the_kernel_answers_the_same() {
    let seed = RandomState::new().build_hasher().finish();
    let mut dice = Dice(seed);
    let path = std::env::temp_dir().join(format!("remand-locks-{}", std::process::id()));
    for round in 0..200 {
        // A new file: a child that another test forks can have the locks of the last one for a moment longer.
        let _ = std::fs::remove_file(&path);
        File::create(&path).unwrap().set_len(SIZE_OF_FILE.unsigned_abs()).unwrap();
        let mut ranges = Ranges::default();
        let flags = [libc::O_RDWR, libc::O_RDWR, libc::O_RDONLY, libc::O_WRONLY];
        let mut files: Vec<File> = flags
            .iter()
            .map(|flags| File::options().read(*flags != libc::O_WRONLY).write(*flags != libc::O_RDONLY).open(&path).unwrap())
            .collect();
        for step in 0..60 {
            let index = usize::try_from(dice.roll(i64::try_from(DESCRIPTIONS).unwrap())).unwrap();
            let position = dice.roll(SIZE_OF_FILE);
            files[index].seek(SeekFrom::Start(position.unsigned_abs())).unwrap();
            let tell = dice.roll(3) == 0;
            let asked = asked(&mut dice, tell);
            let open = Open { flags: flags[index], position, size: SIZE_OF_FILE };
            let owner = Owner::Description(index as u64);
            let (ours, theirs) = (here(&mut ranges, owner, tell, &asked, open), kernel(&files[index], tell, &asked));
            assert_eq!(ours, theirs, "seed {seed} round {round} step {step}: {index} {tell} {:?} {ranges:?}", bytes(&asked));
        }
    }
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn locks_split_and_join() {
    let lock = |exclusive, first, last| Lock { owner: Owner::Process(1), exclusive, range: Range { first, last } };
    let mut ranges = Ranges::default();
    ranges.set(lock(true, 0, 9));
    ranges.set(lock(false, 4, 5));
    assert_eq!(ranges.0, [lock(true, 0, 3), lock(false, 4, 5), lock(true, 6, 9)]);
    ranges.set(lock(true, 3, 6));
    assert_eq!(ranges.0, [lock(true, 0, 9)]);
    ranges.set(lock(true, 10, i64::MAX));
    assert_eq!(ranges.0, [lock(true, 0, i64::MAX)]);
    ranges.cut(Owner::Process(1), Range { first: 5, last: 5 });
    assert_eq!(ranges.0, [lock(true, 0, 4), lock(true, 6, i64::MAX)]);
    ranges.cut(Owner::Process(2), Range::ALL);
    assert_eq!(ranges.len(), 2);
    ranges.cut(Owner::Process(1), Range::ALL);
    assert_eq!(ranges.len(), 0);
}

#[test]
fn a_circle_of_processes_is_found_and_descriptions_are_not_asked() {
    let [a, b, c, d] = [Owner::Process(1), Owner::Process(2), Owner::Process(3), Owner::Description(1)];
    let waits = |owner| [(b, c), (c, a), (d, a)].into_iter().find(|(waiter, _)| *waiter == owner).map(|(_, blocker)| blocker);
    assert!(request::deadlock(a, b, waits) && request::deadlock(a, c, waits));
    assert!(!request::deadlock(b, a, waits) && !request::deadlock(a, d, waits));
}

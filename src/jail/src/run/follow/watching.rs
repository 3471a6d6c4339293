//! What of a run is watched, by which descriptor.
//!
//! Always holds: what is watched for a source is taken out before its descriptor is closed.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use remand_plan::host::CgroupVersion;

use super::Attempt;
use crate::run::parts::Server;
use crate::run::phase::Source;
use crate::run::watch::Watch;

impl Attempt {
    /// What a run says and what can end it; its report is watched already.
    pub(super) fn follow(&self, watch: &mut Watch) -> Result<(), Errno> {
        let pipes = [Source::Result, Source::Stdout, Source::Stderr, Source::Stacks];
        let sources = pipes.into_iter().chain([Source::Init, Source::Near, Source::Memory, Source::Look]);
        for source in sources {
            self.watch(source, watch)?;
        }
        Ok(())
    }

    pub(super) fn watch(&self, source: Source, watch: &mut Watch) -> Result<(), Errno> {
        let what = match source {
            Source::Job | Source::Input => EpollFlags::EPOLLOUT,
            // A v2 file is always readable; what is new is an exceptional condition there.
            Source::Memory if self.parts.context.host.cgroup.version == CgroupVersion::V2 => EpollFlags::EPOLLPRI,
            _ => EpollFlags::EPOLLIN,
        };
        self.descriptor(source).map_or(Ok(()), |fd| watch.add(source, fd, what))
    }

    pub(super) fn forget(&self, source: Source, watch: &mut Watch) {
        if let Some(fd) = self.descriptor(source) {
            watch.forget(source, fd);
        }
    }

    /// What is watched for a source, as long as it is there.
    fn descriptor(&self, source: Source) -> Option<BorrowedFd<'_>> {
        let (parts, living) = (&self.parts, self.living.as_ref());
        match (source, &parts.server) {
            (Source::Forkserver, Some(Server::Serves(server))) => Some(server.as_fd()),
            (Source::Leaving, Some(Server::Leaves(process))) => Some(process.as_fd()),
            (Source::Forkserver | Source::Leaving | Source::Time, _) => None,
            (Source::Result, _) => Some(parts.result.as_fd()),
            (Source::Stdout, _) => parts.stdout.as_ref().map(AsFd::as_fd),
            (Source::Stderr, _) => Some(parts.stderr.as_fd()),
            (Source::Stacks, _) => Some(parts.stacks.as_fd()),
            (Source::Report, _) => Some(parts.report.as_fd()),
            (Source::Job, _) => parts.job.as_ref().map(AsFd::as_fd),
            (Source::Feed, _) => self.input.from.as_ref().map(AsFd::as_fd),
            (Source::Input, _) => self.input.to.as_ref().map(AsFd::as_fd),
            (Source::Near, _) => parts.cgroup.as_ref()?.near_event(),
            (Source::Memory, _) => parts.cgroup.as_ref()?.memory_event(),
            (Source::Init, _) => living.map(|living| living.init.as_fd()),
            (Source::Look, _) => living?.meter.answer(),
            (Source::Denial, _) => living?.denials.listener(),
        }
    }

    /// Calls wait while the run's answers have used up their share of a processor.
    pub(super) fn listen(&mut self, watch: &Watch) -> Result<(), Errno> {
        let Some(living) = &mut self.living else { return Ok(()) };
        let (Some(listener), listens) = (living.denials.listener(), living.denials.fd().is_some()) else { return Ok(()) };
        if living.listens != listens {
            watch.change(Source::Denial, listener, if listens { EpollFlags::EPOLLIN } else { EpollFlags::empty() })?;
            living.listens = listens;
        }
        Ok(())
    }

    /// Watches nothing of it any more.
    pub fn leave(&self, watch: &mut Watch) {
        Source::ALL.into_iter().for_each(|source| self.forget(source, watch));
    }
}

//! Limits that a run can exceed: their words, their units, the fields of the policy that set them.
//!
//! Always holds: the lists are closed; what a limit is called in a record stands here alone.

use crate::words::words;

words! {
    /// Limits that a run can exceed.
    LimitKind {
        WallTime "wall_time", CpuTime "cpu_time", Memory "memory", Pids "pids", Stdin "stdin", Stdout "stdout", Stderr "stderr", Prints "prints",
        ResultSize "result_size", ResultShape "result_shape", FileSize "file_size", TmpSize "tmp_size", TmpInodes "tmp_inodes",
    }
}

words! {
    /// What a limit and its counter are numbers of.
    Unit {
        Us "us", Bytes "bytes", Tasks "tasks", Inodes "inodes", Levels "levels", Values "values", Digits "digits",
    }
}

words! {
    /// In what a value can be too complex, as it is told.
    Shape {
        Depth "depth", Values "value count", NumberLength "number length",
    }
}

impl Shape {
    /// What is counted.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Depth => Unit::Levels,
            Self::Values => Unit::Values,
            Self::NumberLength => Unit::Digits,
        }
    }
}

impl LimitKind {
    /// What is counted; of a shape, see [`Shape::unit`].
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::WallTime | Self::CpuTime => Unit::Us,
            Self::Pids => Unit::Tasks,
            Self::ResultShape => Unit::Values,
            Self::TmpInodes => Unit::Inodes,
            Self::Memory | Self::Stdin | Self::Stdout | Self::Stderr | Self::Prints | Self::ResultSize | Self::FileSize | Self::TmpSize => {
                Unit::Bytes
            }
        }
    }

    /// The fields of the policy that set it.
    #[must_use]
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::WallTime => &["limits.wall_time"],
            Self::CpuTime => &["limits.cpu_time"],
            Self::Memory => &["limits.memory"],
            Self::Pids => &["limits.pids"],
            Self::Stdin => &["limits.stdin"],
            Self::Stdout => &["limits.stdout"],
            Self::Stderr => &["limits.stderr"],
            Self::Prints => &["limits.prints"],
            Self::ResultSize => &["limits.result_size"],
            Self::ResultShape => &["limits.result_depth", "limits.result_nodes"],
            Self::FileSize => &["limits.file_size"],
            Self::TmpSize => &["filesystem.tmp.size"],
            Self::TmpInodes => &["filesystem.tmp.inodes"],
        }
    }

    /// The one that sets so many of these; the length of a number is nobody's to set.
    #[must_use]
    pub fn field(self, unit: Unit) -> Option<&'static str> {
        match (self, unit) {
            (Self::ResultShape, Unit::Levels) => Some("limits.result_depth"),
            (Self::ResultShape, Unit::Values) => Some("limits.result_nodes"),
            (Self::ResultShape, _) => None,
            _ => self.fields().first().copied(),
        }
    }
}

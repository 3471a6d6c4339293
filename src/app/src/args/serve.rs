//! `remand serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Serve runs to other programs over a Unix socket.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// The socket; without it, /run/remand/remand.sock, or remand/remand.sock in $XDG_RUNTIME_DIR
    ///
    /// It is left alone where a service manager gives one (socket activation).
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Who may run what; without it, /etc/remand/serve.jsonc, if there is one
    ///
    /// Without any, root and the daemon's own user may run under every policy.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Without a configuration: let every user run under built-in policies, two runs each
    #[arg(long)]
    pub allow_all_users: bool,
    /// Say whether the configuration can be used, and serve nothing
    #[arg(long)]
    pub check: bool,
    /// How lines on standard error are written
    #[arg(long, value_name = "FORM", value_enum, default_value = "plain")]
    pub log: LogForm,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// For people
    Plain,
    /// A JSON object each
    Json,
}

//! A server of the test's own.
//!
//! The program is that of `LOWERDECKD`, or else the one built beside this test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// A server on a free port; ended with this.
pub struct Server {
    child: Child,
    pub endpoint: String,
}

/// The server's program.
pub fn program() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().expect("this test is a file");
        // The test is in `deps`, programs are one above.
        test.ancestors().nth(2).expect("a file in deps").join("lowerdeckd")
    };
    let program = std::env::var_os("LOWERDECKD").map_or_else(beside, PathBuf::from);
    assert!(program.is_file(), "{} is not there: run `cargo build -p lowerdeck-server`", program.display());
    program
}

impl Server {
    pub fn start() -> Server {
        Server::with(&[])
    }

    /// With these arguments besides.
    pub fn with(arguments: &[&OsStr]) -> Server {
        let mut command = Command::new(program());
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--shared-stack", "common=scripted"])
            .args(arguments)
            .env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it was asked for")).read_line(&mut line).expect("it can be read");
        let address = line.trim_end().strip_prefix("lowerdeckd ready on ");
        let endpoint = format!("http://{}", address.unwrap_or_else(|| panic!("`{line}`")));
        Server { child, endpoint }
    }

    /// Runs `lowerdeck` with `arguments`, the first of which is a command.
    pub fn lowerdeck(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lowerdeck"));
        command.args(["--endpoint", &self.endpoint]).args(arguments); // a script of I/O takes all that follows it
        command.output().expect("it starts")
    }

    /// Runs `lowerdeck stack` with `arguments`, and gives its exit code and what it printed.
    pub fn stack(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, .. } = self.lowerdeck(&[&["stack"], arguments].concat());
        (status.code(), String::from_utf8(stdout).expect("text").trim_end().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself has failed the test already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

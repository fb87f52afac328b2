//! The two servers that a load generator drives.
//!
//! Lowerdeck's is that of `LOWERDECKD`, or else the one built beside this test.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use lowerdeck_client::load::LoadSession;
use lowerdeck_client::transport;

/// The server's program.
pub fn lowerdeckd() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().expect("this test is a file");
        // The test is in `deps`, programs are one above.
        test.ancestors().nth(2).expect("a file in deps").join("lowerdeckd")
    };
    std::env::var_os("LOWERDECKD").map_or_else(beside, PathBuf::from)
}

/// A program that says where it listens; ended with the test.
pub struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    fn start(program: PathBuf, arguments: &[&str]) -> Server {
        assert!(program.is_file(), "{} is not there: run `cargo build -p lowerdeck-server`", program.display());
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it was asked for")).read_line(&mut line).expect("it can be read");
        let address = line.split_whitespace().next_back().expect("it says where it listens");
        Server { child, endpoint: format!("http://{address}") }
    }

    pub fn floor() -> Server {
        Server::start(env!("CARGO_BIN_EXE_lowerdeck-bench").into(), &["floor"])
    }

    pub fn lowerdeck() -> Server {
        Server::start(lowerdeckd(), &["serve", "--listen", "127.0.0.1:0", "--log", "warn"])
    }

    pub async fn session(&self, stack: &str) -> LoadSession {
        let channel = transport::connect(&self.endpoint).await.expect("it listens");
        LoadSession::open(channel, stack).await.expect("it opens")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself has failed the test already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

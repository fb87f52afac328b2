//! The peer: nbdkit's memory plugin, driven by fio's NBD engine.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use lowerdeck_client::load::{Load, LoadIo, Stopwatch};
use serde_json::Value;

use crate::calibration::{Meter, Shares};
use crate::rows::Figure;

/// How long nbdkit may take until it listens.
const START_TIME: Duration = Duration::from_secs(10);

/// Whether both programs are there.
pub fn is_installed() -> bool {
    let runs = |program: &str| {
        let ran = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        ran.is_ok_and(|status| status.success())
    };
    runs("nbdkit") && runs("fio")
}

/// A running nbdkit.
pub struct Nbdkit {
    child: Child,
    port: u16,
}

impl Nbdkit {
    /// Serves a memory device of `bytes`.
    pub fn start(bytes: u64) -> anyhow::Result<Nbdkit> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(); // free a moment ago
        let child = Command::new("nbdkit")
            .args(["--foreground", "--ipaddr", "127.0.0.1", "--port", &port.to_string(), "memory", &bytes.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("starting nbdkit")?;
        let nbdkit = Nbdkit { child, port };
        let begun = Stopwatch::start();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > START_TIME {
                bail!("nbdkit does not listen on port {port}");
            }
            std::thread::yield_now();
        }
        Ok(nbdkit)
    }

    /// Writes all of the device, so that no read finds a hole.
    pub fn fill(&self) -> anyhow::Result<()> {
        let output = self.fio().args(["--rw=write", "--bs=1m"]).output().context("running fio")?;
        anyhow::ensure!(output.status.success(), "fio could not fill the device: {}", output.status);
        Ok(())
    }

    fn fio(&self) -> Command {
        let mut fio = Command::new("fio");
        fio.args(["--name=peer", "--ioengine=nbd", "--output-format=json", "--group_reporting"])
            .arg(format!("--uri=nbd://127.0.0.1:{}", self.port))
            .stderr(Stdio::inherit());
        fio
    }

    /// Drives one load and gives its figure, and who was busy meanwhile.
    pub fn run(&self, load: &Load, figure: Figure) -> anyhow::Result<(f64, Shares)> {
        let meter = Meter::start(self.child.id())?;
        let (pattern, length) = match load.io {
            LoadIo::RandomRead { length, .. } => ("randread", length),
            LoadIo::SequentialRead { length, .. } => ("read", length),
            LoadIo::DeviceControl { .. } => bail!("NBD has no device controls"),
        };
        let output = self
            .fio()
            .arg("--time_based")
            .arg(format!("--rw={pattern}"))
            .arg(format!("--bs={length}"))
            .arg(format!("--iodepth={}", load.depth))
            .arg(format!("--runtime={}ms", load.duration.as_millis()))
            .output()
            .context("running fio")?;
        let text = String::from_utf8_lossy(&output.stdout);
        // Warnings of its engines come before the report.
        let json = text.find('{').map_or("", |start| &text[start..]);
        let report: Value = serde_json::from_str(json).context("fio's report")?;
        let read = &report["jobs"][0]["read"];
        let number = |value: &Value| value.as_f64().context("fio's report lacks a figure");
        // Its figures are of the time that its job ran, which is less than the time of the program.
        let percent = number(&report["jobs"][0]["usr_cpu"])? + number(&report["jobs"][0]["sys_cpu"])?;
        let shares = meter.stop_with(load.duration.mul_f64(percent / 100.0))?;
        let figure = match figure {
            Figure::Rate => number(&read["iops"]),
            Figure::Throughput => number(&read["bw_bytes"]),
            Figure::Latency => Ok(number(&read["clat_ns"]["percentile"]["50.000000"])? / 1000.0),
        };
        Ok((figure?, shares))
    }
}

impl Drop for Nbdkit {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

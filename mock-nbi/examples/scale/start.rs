//! How long it takes to be there.

use std::path::Path;

use anyhow::{Context as _, ensure};
use mock_nbi::MockNbi;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::say;

const WORLDS: u32 = 10_000;
const STARTS: u32 = 20;

pub(crate) async fn run(binary: &Path, data: Option<&Path>) -> anyhow::Result<()> {
    let begin = Instant::now();
    for _ in 0..WORLDS {
        MockNbi::builder().build()?;
    }
    say(format_args!("a world in this process: {:.1?}", begin.elapsed() / WORLDS));
    let begin = Instant::now();
    for _ in 0..STARTS {
        let mut server = Running::start(binary, data).await?;
        let answer = reqwest::get(format!("{}/version", server.base)).await?;
        ensure!(answer.status() == 200, "status {}", answer.status());
        answer.bytes().await?;
        server.child.kill().await?;
    }
    say(format_args!("from start to first answer: {:.1?}", begin.elapsed() / STARTS));
    Ok(())
}

/// The binary, listening; killed when it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// URL up to `/osm`.
    pub(crate) base: String,
}

impl Running {
    pub(crate) async fn start(binary: &Path, data: Option<&Path>) -> anyhow::Result<Self> {
        let mut command = Command::new(binary);
        command.args(["--listen", "127.0.0.1:0", "--log-level", "warn"]);
        if let Some(folder) = data {
            command.arg("--data").arg(folder);
        }
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let out = child.stdout.take().context("standard output")?;
        let line = BufReader::new(out).lines().next_line().await?.context("it has ended")?;
        let base = line.split_whitespace().last().context("a URL")?.to_owned();
        Ok(Self { child, base })
    }
}

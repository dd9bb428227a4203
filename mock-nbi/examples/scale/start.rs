//! How long it takes to be there.

use std::path::Path;

use anyhow::{Context as _, ensure};
use mock_nbi::MockNbi;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::say;

const WORLDS: u32 = 10_000;
const STARTS: u32 = 50;

pub(crate) async fn run(binary: &Path, data: Option<&Path>) -> anyhow::Result<()> {
    let begin = Instant::now();
    for _ in 0..WORLDS {
        MockNbi::builder().build()?;
    }
    say(format_args!("a world in this process: {:.1?}", begin.elapsed() / WORLDS));
    let mut took = Vec::new();
    for _ in 0..STARTS {
        let begin = Instant::now();
        let mut server = Running::start(binary, data).await?;
        let answer = first_answer(&server.base).await?;
        took.push(begin.elapsed());
        ensure!(answer.starts_with("HTTP/1.1 200 "), "answered: {answer}");
        server.child.kill().await?;
    }
    took.sort_unstable();
    let (best, middle) = (took[0], took[took.len() / 2]);
    say(format_args!(
        "from start to first answer: {middle:.1?}, at best {best:.1?} ({STARTS} times)"
    ));
    Ok(())
}

/// The beginning of the answer to a first request, without a client that takes its own time to start.
async fn first_answer(base: &str) -> anyhow::Result<String> {
    let host = base.trim_start_matches("http://").trim_end_matches("/osm");
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET /osm/version HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = [0; 64];
    let count = stream.read(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..count]).into_owned())
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

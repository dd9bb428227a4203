//! How much memory and time `osmops` takes for the largest things that it is meant for: a package of
//! 200 MB, sent to the fake in a process of its own, and a repository of 10,000 files. Ends with an error
//! where a promise does not hold.
//!
//! ```text
//! cargo build --release -p osmops -p mock-nbi && cargo run --release -p benches --example footprint
//! ```
//!
//! Programs are taken from `target/release`, or from the folder that is named. Memory is the peak of what the process had resident (`VmHWM`), so this runs on Linux.

#![expect(clippy::print_stdout, reason = "what it measures is printed")]

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Bytes of the large package.
const PACKAGE_BYTES: usize = 200_000_000;

/// Files of the large repository.
const REPOSITORY_FILES: usize = 10_000;

/// The most that any of it may have resident, in bytes.
const MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long reading the large repository may take.
const READING_TIME_MAX: Duration = Duration::from_secs(1);

/// How often a process is looked at.
const LOOK_PAUSE: Duration = Duration::from_millis(2);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let programs = std::env::args_os().nth(1).map_or("target/release".into(), PathBuf::from);
    println!("{:<58} {:>9} {:>10}", "", "seconds", "peak MiB");

    let packed = folder.path().join("packed");
    package(&packed, 4)?;
    let osm = Osm::start(&programs)?;
    let sent = run(osm.apply(&programs, &packed)?).await?;
    sent.tell("200 MB package, a quarter of it packed: sent");
    sent.expect(Some(0), "1 item matches")?;
    drop(osm);

    let noise = folder.path().join("noise");
    package(&noise, 256)?;
    let osm = Osm::start(&programs)?;
    let refused = run(osm.apply(&programs, &noise)?).await?;
    refused.tell("200 MB package that cannot be packed: refused by the fake");
    refused.expect(Some(1), "MiB packed")?;
    drop(osm);

    let many = folder.path().join("many");
    repository(&many)?;
    let mut validate = Command::new(programs.join("osmops"));
    validate.arg("validate").arg(&many);
    let read = run(validate).await?;
    read.tell("repository of 10,000 files: read");
    read.expect(Some(0), "no problems")?;
    if read.took > READING_TIME_MAX {
        return Err(format!("reading took {:?}", read.took).into());
    }
    Ok(())
}

/// What became of a process.
struct Measured {
    took: Duration,
    peak_bytes: u64,
    code: Option<i32>,
    said: String,
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    fn tell(&self, what: &str) {
        let mib = self.peak_bytes as f64 / (1024.0 * 1024.0);
        println!("{what:<58} {:>9.2} {mib:>10.1}", self.took.as_secs_f64());
    }

    fn expect(&self, code: Option<i32>, words: &str) -> Outcome<()> {
        if self.code != code || !self.said.contains(words) {
            return Err(format!("exit code {:?}, and it said: {}", self.code, self.said).into());
        }
        if self.peak_bytes > MEMORY_BYTES_MAX {
            return Err(format!("{} bytes were resident", self.peak_bytes).into());
        }
        Ok(())
    }
}

/// Runs a program to its end and looks at its memory all the while.
async fn run(mut command: Command) -> Outcome<Measured> {
    let log = tempfile::NamedTempFile::new()?;
    let start = Instant::now();
    let mut child =
        command.stdout(log.reopen()?).stderr(log.reopen()?).stdin(Stdio::null()).spawn()?;
    let mut peak_bytes = 0;
    let status = loop {
        if let Some(peak) = peak_of(child.id()) {
            peak_bytes = peak;
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        sleep(LOOK_PAUSE).await;
    };
    let took = start.elapsed();
    let said = fs_err::read_to_string(log.path())?;
    Ok(Measured { took, peak_bytes, code: status.code(), said })
}

/// The most memory that a process had resident so far; none once it has ended.
fn peak_of(process: u32) -> Option<u64> {
    let status = fs_err::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// A fake OSM in a process of its own, which ends with this.
struct Osm {
    process: Child,
    url: String,
    password: tempfile::NamedTempFile,
}

impl Osm {
    fn start(programs: &Path) -> Outcome<Self> {
        let mut command = Command::new(programs.join("mock-nbi"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::null());
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let url = line.trim().rsplit(' ').next().unwrap_or_default();
        let url = url.trim_end_matches("/osm").to_owned();
        let mut password = tempfile::NamedTempFile::new()?;
        password.write_all(b"admin")?;
        Ok(Self { process, url, password })
    }

    fn apply(&self, programs: &Path, repository: &Path) -> Outcome<Command> {
        let mut command = Command::new(programs.join("osmops"));
        command.arg("apply").arg(repository).args(["--wait", "--osm-url", &self.url]);
        command.args(["--osm-user", "admin", "--osm-project", "admin", "--osm-password-file"]);
        command.arg(self.password.path());
        Ok(command)
    }
}

impl Drop for Osm {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs_err::create_dir_all(path.parent().unwrap_or(path))?;
    fs_err::write(path, text)
}

fn config(folder: &Path) -> io::Result<()> {
    let text = "fileExtensions: [.ops.yaml]\nconnectionFile: /etc/osmops/nbi-connection.yaml\n";
    write(&folder.join("osm_ops_config.yaml"), text)
}

fn descriptor(id: &str) -> String {
    format!(
        "vnfd:\n  id: {id}\n  product-name: {id}\n  version: '1.0'\n  df:\n  - id: default-df\n  kdu:\n  \
         - name: kdu\n    helm-chart: stable/chart\n"
    )
}

/// A repository with one package whose files use so many different bytes: four pack well, 256 not at all.
fn package(folder: &Path, letters: u64) -> Outcome<()> {
    config(folder)?;
    let package = folder.join("osm-pkgs/big_knf");
    write(&package.join("descriptor.yaml"), &descriptor("big_knf"))?;
    let mut random = 88_172_645_463_325_252_u64;
    for part in 0..4 {
        let file = fs_err::File::create(package.join(format!("image-{part}.bin")))?;
        let mut file = io::BufWriter::new(file);
        for _ in 0..PACKAGE_BYTES / 4 / 8 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let bytes = random.to_le_bytes().map(|byte| (u64::from(byte) % letters) as u8);
            file.write_all(&bytes)?;
        }
        file.flush()?;
    }
    Ok(())
}

/// Instances in a file each, and packages of eleven files.
fn repository(folder: &Path) -> io::Result<()> {
    config(folder)?;
    let mut files = 1;
    for n in 0.. {
        if files >= REPOSITORY_FILES {
            break;
        }
        if n % 10 == 0 && files + 11 <= REPOSITORY_FILES {
            let package = folder.join(format!("osm-pkgs/p{n}_knf"));
            write(&package.join("descriptor.yaml"), &descriptor(&format!("p{n}_knf")))?;
            for part in 0..10 {
                let path = format!("helm-charts/chart/templates/part-{part}.yaml");
                write(&package.join(path), "{{ .Values.x }}: 1\n")?;
            }
            files += 11;
        }
        let text = format!(
            "kind: NsInstance\nname: i{n}\nnsdName: service\nvnfName: member\nvimAccountName: site\nkdu:\n  \
             name: kdu\n  params:\n    replicaCount: \"2\"\n"
        );
        write(&folder.join(format!("ns/{}/i{n}.ops.yaml", n % 50)), &text)?;
        files += 1;
    }
    Ok(())
}

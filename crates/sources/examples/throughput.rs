//! How fast lines are read: writes a file of 200 MB (or as many as the first argument says),
//! reads it through a feed and prints lines and bytes in a second.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

use monban_model::Stamp;
use monban_sources::{Feed, From, Offer, Turns};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let megabytes: u64 = std::env::args().nth(1).map_or(Ok(200), |text| text.parse())?;
    let path = std::env::temp_dir().join(format!("monban-throughput-{}", std::process::id()));
    let mut writer = BufWriter::new(File::create(&path)?);
    let mut written = 0;
    let mut number = 0u32;
    while written < megabytes * 1_000_000 {
        let line = format!(
            "Dec 10 06:55:48 LabSZ sshd[{}]: Failed password for invalid user webmaster from \
             173.234.{}.{} port 38926 ssh2\n",
            number % 60_000,
            number % 251,
            number % 253
        );
        writer.write_all(line.as_bytes())?;
        written += line.len() as u64;
        number += 1;
    }
    writer.flush()?;
    for _ in 0..3 {
        let mut feed = Feed::new(Vec::new());
        let offer = Offer { path: "log".to_owned(), from: From::Start };
        feed.offer(offer, File::open(&path)?).map_err(|error| format!("{error:?}"))?;
        let start = Instant::now();
        let (mut lines, mut bytes) = (0u64, 0u64);
        while feed
            .read(1 << 20, Stamp(0), Turns::Round, &mut |line, _| {
                lines += 1;
                bytes += line.bytes.len() as u64 + 1;
            })
            .more
        {}
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{lines} lines, {bytes} bytes in {seconds:.3} s: {:.1} M lines/s, {:.2} GB/s",
            lines as f64 / seconds / 1e6,
            bytes as f64 / seconds / 1e9
        );
    }
    std::fs::remove_file(&path)?;
    Ok(())
}

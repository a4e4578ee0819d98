//! Bytes of a file to lines: `cargo bench -p monban-sources --bench lines`, with long and with
//! short lines. The feed is what the daemon reads with.

use std::fs::File;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use monban_model::Stamp;
use monban_sources::{Feed, From, Offer, Turns};

/// Size of the file.
const BYTES: usize = 16 * 1024 * 1024;

fn main() {
    divan::main();
}

#[divan::bench(args = [20, 110, 230, 1_000])]
fn feed(bencher: Bencher<'_, '_>, bytes_a_line: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let line = "x".repeat(bytes_a_line - 1) + "\n";
    let lines = BYTES / bytes_a_line;
    std::fs::write(&path, line.repeat(lines)).expect("a file");
    bencher
        .counter(ItemsCount::new(lines))
        .counter(BytesCount::new(lines * bytes_a_line))
        .bench_local(|| {
            let mut feed = Feed::new(Vec::new());
            let offer = Offer { path: "log".to_owned(), from: From::Start };
            let file = File::open(&path).expect("the file");
            feed.offer(offer, file).expect("the feed takes it");
            let mut seen = 0;
            while feed.read(1 << 20, Stamp(0), Turns::Round, &mut |_, _| seen += 1).more {}
            assert_eq!(seen, lines);
        });
}

//! gzip, xz, zstd and bzip2, told by their first bytes and read as a stream.
//!
//! The memory of a decoder is bounded by its format or by a limit here, so an archive that
//! unpacks to terabytes costs time, not memory. Several members one after the other are read as
//! one stream, as the programs of these formats do.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// Most memory that an xz stream may ask for: `xz -9` needs 65 MiB to decode.
const XZ_MEMORY_KIB: u32 = 100 * 1024;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// RFC 1952.
    Gzip,
    /// The .xz container.
    Xz,
    /// RFC 8878.
    Zstd,
    /// bzip2.
    Bzip2,
}

impl Packing {
    /// Tells it from the first bytes of a file (six are enough), never from a name.
    pub fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            _ => Self::Plain,
        }
    }

    /// Reads `inner`, which begins with what [`Packing::of`] saw, as the bytes that were packed.
    pub fn reader(self, inner: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let inner = BufReader::with_capacity(64 * 1024, inner);
        match self {
            Self::Plain => Box::new(inner),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(inner)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(inner, true, XZ_MEMORY_KIB)),
            Self::Zstd => Box::new(ZstdFrames::new(inner)),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(inner)),
        }
    }
}

/// All frames of a zstd file, skippable ones left out.
struct ZstdFrames<R> {
    inner: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(inner: R) -> Self {
        let mut decoder = FrameDecoder::new();
        // The decoder checks the window size of a frame against its limit of 100 MB only from
        // the second frame on, so it gets an empty one first. It is valid; nothing can fail.
        let empty = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0];
        let _ = decoder.init(&empty[..]);
        Self { inner, decoder, in_frame: false }
    }

    /// Begins the next frame; false at the end of the file.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.inner.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.init(&mut self.inner) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skip = u64::from(length);
                    let skipped = io::copy(&mut (&mut self.inner).take(skip), &mut io::sink())?;
                    if skipped < skip {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(invalid(error)),
            }
        }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        use ruzstd::decoding::BlockDecodingStrategy::UptoBlocks;
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.in_frame {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.in_frame = true;
            }
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buf);
            }
            if self.decoder.is_finished() {
                self.in_frame = false;
                continue;
            }
            self.decoder.decode_blocks(&mut self.inner, UptoBlocks(1)).map_err(invalid)?;
        }
    }
}

fn invalid(error: FrameDecoderError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// Packs with the program of the format, the one that wrote the archives of real machines.
    fn pack(program: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        use std::io::Write;
        let child =
            Command::new(program).arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            println!("left out: {program} is not installed");
            return None;
        };
        let mut input = child.stdin.take().unwrap();
        let bytes = bytes.to_vec();
        let writer = std::thread::spawn(move || input.write_all(&bytes).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Some(output.stdout)
    }

    fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let packing = Packing::of(bytes);
        packing.reader(Box::new(io::Cursor::new(bytes.to_vec()))).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn several_members_are_one_stream_and_a_broken_one_gives_what_it_had() {
        let text: Vec<u8> = (0..20_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        for program in ["gzip", "xz", "zstd", "bzip2"] {
            let (Some(first), Some(second)) = (pack(program, &text), pack(program, b"tail\n"))
            else {
                continue;
            };
            assert_ne!(Packing::of(&first), Packing::Plain, "{program}");
            let both = [first.clone(), second].concat();
            assert_eq!(unpack(&both).unwrap(), [&text[..], b"tail\n"].concat(), "{program}");
            let mut got = Vec::new();
            let half = first[..first.len() / 2].to_vec();
            let result =
                Packing::of(&half).reader(Box::new(io::Cursor::new(half))).read_to_end(&mut got);
            assert!(result.is_err(), "{program}");
            assert!(text.starts_with(&got), "{program}");
        }
    }

    #[test]
    fn a_skippable_zstd_frame_is_left_out() {
        let Some(packed) = pack("zstd", b"hello\n") else { return };
        let skip = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        assert_eq!(unpack(&[&skip[..], &packed].concat()).unwrap(), b"hello\n");
    }

    #[test]
    fn a_zstd_frame_that_asks_for_too_much_memory_is_refused() {
        // Window descriptor 0xff: 3.75 TiB.
        let huge = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 1, 0, 0];
        assert!(unpack(&huge).is_err());
    }

    #[test]
    fn a_bomb_costs_constant_memory() {
        let Some(packed) = pack("gzip", &vec![0; 64 * 1024 * 1024]) else { return };
        let mut reader = Packing::Gzip.reader(Box::new(io::Cursor::new(packed)));
        let mut buf = [0; 4096];
        let mut total = 0;
        loop {
            match reader.read(&mut buf).unwrap() {
                0 => break,
                n => total += n,
            }
        }
        assert_eq!(total, 64 * 1024 * 1024);
    }

    #[test]
    fn random_bytes_are_errors_or_text_but_no_panic() {
        for seed in 0u32..2000 {
            let mut state = seed.wrapping_mul(2_654_435_761) | 1;
            let mut bytes: Vec<u8> = (0..200)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 17;
                    state ^= state << 5;
                    (state >> 8) as u8
                })
                .collect();
            let magics: [&[u8]; 4] = [
                &[0x1f, 0x8b, 8],
                &[0xfd, b'7', b'z', b'X', b'Z', 0],
                &[0x28, 0xb5, 0x2f, 0xfd],
                b"BZh9",
            ];
            let magic = magics[seed as usize % 4];
            bytes[..magic.len()].copy_from_slice(magic);
            let reader = Packing::of(&bytes).reader(Box::new(io::Cursor::new(bytes)));
            let _ = io::copy(&mut reader.take(1 << 20), &mut io::sink());
        }
    }
}

//! A database of places in whatever it is packed: nothing, gzip, or the tar in gzip of npm.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use monban_model::limits::GEO_BYTES_MAX;
use serde_json::Value;

/// What the package says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name; empty if it was none.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence.
    pub licence: String,
}

/// A header and the unit of files in a tar (POSIX.1-1988, `ustar`).
const BLOCK: usize = 512;

/// A description of a package has a page at most.
const JSON_MAX: usize = 64 * 1024;

/// The database in a file, at most [`GEO_BYTES_MAX`] bytes unpacked, and what the package says.
///
/// # Errors
/// If it cannot be read or unpacked, is larger, or no database is in the package.
pub fn unpack(mut input: impl Read) -> io::Result<(Package, Vec<u8>)> {
    let mut head = [0; 2];
    let count = read_full(&mut input, &mut head)?;
    let whole = head[..count].chain(input);
    let bytes = match head {
        [0x1f, 0x8b] => read_all(MultiGzDecoder::new(whole))?,
        _ => read_all(whole)?,
    };
    let is_tar = bytes.get(257..262) == Some(b"ustar");
    if is_tar { of_tar(&bytes) } else { Ok((Package::default(), bytes)) }
}

fn read_all(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(GEO_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > GEO_BYTES_MAX {
        true => Err(wrong(&format!("the file has more than {GEO_BYTES_MAX} bytes unpacked"))),
        false => Ok(bytes),
    }
}

fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match input.read(&mut buffer[count..])? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}

/// The largest database of a package: those of one family beside it have less. Names only choose;
/// no file is made by them.
fn of_tar(bytes: &[u8]) -> io::Result<(Package, Vec<u8>)> {
    let (mut package, mut database) = (Package::default(), &[][..]);
    let mut rest = bytes;
    while let Some((header, after)) = rest.split_at_checked(BLOCK) {
        let size = match number(&header[124..136]) {
            Some(size) if header[0] != 0 => size,
            _ => break,
        };
        let body = after.get(..size).ok_or_else(|| wrong("the package ends within a file"))?;
        let name = text(&header[..100]);
        // 0 or none: a plain file.
        if matches!(header[156], b'0' | 0) {
            if name.ends_with(".mmdb") && body.len() > database.len() {
                database = body;
            } else if name == "package/package.json" && size <= JSON_MAX {
                package = described(body);
            }
        }
        rest = after.get(size.next_multiple_of(BLOCK)..).unwrap_or_default();
    }
    match database {
        [] => Err(wrong("the package has no file that ends in .mmdb")),
        _ => Ok((package, database.to_vec())),
    }
}

/// An octal number.
fn number(field: &[u8]) -> Option<usize> {
    let digits = text(field);
    usize::from_str_radix(digits.trim(), 8).ok()
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn described(json: &[u8]) -> Package {
    let value: Value = serde_json::from_slice(json).unwrap_or_default();
    let field = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Package { name: field("name"), version: field("version"), licence: field("license") }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = Vec::new();
        for (name, body) in files {
            let mut header = [0; BLOCK];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[124..136].copy_from_slice(format!("{:011o}\0", body.len()).as_bytes());
            header[156] = b'0';
            header[257..263].copy_from_slice(b"ustar\0");
            tar.extend_from_slice(&header);
            tar.extend_from_slice(body);
            tar.resize(tar.len().next_multiple_of(BLOCK), 0);
        }
        tar.resize(tar.len() + 2 * BLOCK, 0);
        tar
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    const JSON: &[u8] = br#"{"name": "x", "version": "1.2", "license": "CC0-1.0"}"#;

    #[test]
    fn databases_are_found_in_whatever_they_are_packed() {
        let plain = |bytes: &[u8]| unpack(bytes).unwrap();
        assert_eq!(plain(b"mmdb"), (Package::default(), b"mmdb".to_vec()));
        assert_eq!(plain(&gzip(b"mmdb")), (Package::default(), b"mmdb".to_vec()));
        assert_eq!(plain(b"").1, b"");
        let files: &[(&str, &[u8])] = &[
            ("package/a-ipv4.mmdb", b"four"),
            ("package/package.json", JSON),
            ("package/a.mmdb", b"both families"),
            ("package/a-ipv6.mmdb", b"six"),
        ];
        let (package, bytes) = plain(&gzip(&tar(files)));
        assert_eq!(bytes, b"both families");
        assert_eq!((package.name.as_str(), package.licence.as_str()), ("x", "CC0-1.0"));
    }

    #[test]
    fn hostile_packages_are_refused() {
        let good = tar(&[("package/a.mmdb", &[7; 1000])]);
        assert!(unpack(&tar(&[("package/x", b"x")])[..]).is_err());
        for cut in [BLOCK, BLOCK + 10, 2 * BLOCK] {
            assert!(unpack(&good[..cut]).is_err(), "{cut}");
        }
        let mut huge = good.clone();
        huge[124..136].copy_from_slice(b"77777777777\0");
        assert!(unpack(&huge[..]).is_err());
        for at in 0..BLOCK {
            for byte in [0, 1, 0x20, 0x80, 0xff] {
                let mut changed = good.clone();
                changed[at] = byte;
                let _ = unpack(&changed[..]);
            }
        }
        let packed = gzip(&good);
        assert!(unpack(&packed[..packed.len() / 2]).is_err());
    }
}
